package store

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/source"
)

// maxLogged bounds the lines of one kind in the log; blocklistctl check lists
// them all. Of a protect list it is a few: a wrong path there, to a key perhaps,
// makes a problem of every line, and problems repeat what they are about.
const maxLogged, maxLoggedOfList = 20, 3

// warn logs warnings.
func (s *Store) warn(about, check string, warnings order.Problems) {
	s.logProblems(s.log.Warningf, about, "warnings", check, warnings)
}

// logProblems logs the problems of a file, or of the order set, and says which command
// lists the others.
func (s *Store) logProblems(log func(string, ...any), about, what, check string, ps order.Problems) {
	lines := s.lines(about, ps)
	most := s.most(about)
	for i, line := range lines {
		if i == most {
			log("%s: %d more %s; %s lists them", about, len(lines)-i, what, check)
			break
		}
		log("%s", line)
	}
}

// lines returns what the log may show of the problems of a file. The values of a side list
// with errors are left out, and the reasons that repeat them: the list may be any other
// file.
func (s *Store) lines(path string, ps order.Problems) (out []string) {
	type reason struct{ file, text string }
	open := func(p order.Problem) bool { return p.InSide() && !p.Sealed }
	bad := map[reason]int{}
	for _, p := range ps {
		if open(p) {
			bad[reason{p.File, p.SideReason()}]++
		}
	}
	for _, p := range ps {
		if !open(p) {
			out = append(out, p.Redacted())
			continue
		}
		key := reason{p.File, p.SideReason()}
		switch n := bad[key]; {
		case n == 1:
			out = append(out, fmt.Sprintf("%s:%d: %s; %s shows the line", p.File, p.Line, key.text, checkOrders))
		case n > 1:
			out = append(out, fmt.Sprintf("%s:%d: %s, first of %d such lines; %s shows them", p.File, p.Line, key.text, n, checkOrders))
		}
		delete(bad, key)
	}
	return out
}

// most is how many problems of a file are logged.
func (s *Store) most(path string) int {
	if s.isList[path] {
		return maxLoggedOfList
	}
	return maxLogged
}

const (
	checkOrders  = "blocklistctl check"
	checkProtect = "blocklistctl check --protect FILE"
)

// told is what the log has heard of the set in force, so that a swap tells only
// what is new. It holds nothing of the set itself, which goes with the next.
type told struct {
	warnings map[warning]bool
	held     []heldTarget
	count    string
}

// warning is a warning without its place: a line more at a file's top is no news.
type warning struct{ order, field, msg, got string }

// heldTarget is a held target, or an order that is held as a whole.
type heldTarget struct{ order, target string }

// tell logs what is new about the set that has just gone into force: what is odd
// or held, and what is held no longer.
func (s *Store) tell(set *ruleset.Set, warnings order.Problems) {
	next := told{warnings: map[warning]bool{}}
	held := map[heldTarget]bool{}
	for _, h := range set.Held() {
		t := heldTarget{h.Order.ID, h.Target}
		held[t] = true
		next.held = append(next.held, t)
	}
	var newHeld, others order.Problems
	for _, w := range warnings {
		isHeld := held[heldTarget{w.Order, w.Got}]
		key := warning{w.Order, w.Field, w.Msg, w.Got}
		if isHeld {
			key.msg = "" // the reason names a line of a protect list
		}
		next.warnings[key] = true
		switch {
		case s.told.warnings[key]:
		case isHeld:
			newHeld = append(newHeld, w)
		default:
			others = append(others, w)
		}
	}
	check := checkOrders
	if len(s.opt.Protect) > 0 {
		check = checkProtect
	}
	s.warn("the order set", check, newHeld)
	s.warn("the order set", checkOrders, others)

	now := seconds(s.clock.Now())
	var freed []string
	for _, t := range s.told.held {
		if held[t] {
			continue
		}
		if o := enforced(set, t, now); o != nil {
			what := fmt.Sprintf("%q", t.target)
			if d := o.Terms.Disclosure; d.Sealed() || d == order.Schedule {
				what = "a target"
			}
			freed = append(freed, fmt.Sprintf("order %s: %s is enforced now, no longer held", o.Label(), what))
		}
	}
	for i, line := range freed {
		if i == maxLogged {
			s.log.Infof("the order set: %d more targets are enforced now, no longer held; blocklistctl explain tells of each", len(freed)-i)
			break
		}
		s.log.Infof("%s", line)
	}
	if next.count = heldCount(next.held); next.count != cmp.Or(s.told.count, heldCount(nil)) {
		s.log.Infof("held, not enforced: %s", next.count)
	}
	s.told = next
}

// heldCount says how much is held.
func heldCount(held []heldTarget) string {
	targets, whole, orders := 0, 0, map[string]bool{}
	for _, t := range held {
		if t.target == "" {
			whole++
			continue
		}
		targets++
		orders[t.order] = true
	}
	var out []string
	if targets > 0 || whole == 0 {
		out = append(out, count(targets, "target")+" of "+count(len(orders), "order"))
	}
	if whole > 0 {
		out = append(out, count(whole, "order")+" as a whole")
	}
	return strings.Join(out, ", and ")
}

// enforced returns the order when a target of its blocks now. Of a network it only
// knows when the order is the one that decides there, whoever asks.
func enforced(set *ruleset.Set, t heldTarget, now order.Time) *ruleset.Order {
	if x, why := order.ParsePrefix(t.target); why == "" {
		if v := set.DecideAddress(x.Addr(), ruleset.Query{Now: now}); v.Order != nil && v.Order.ID == t.order {
			return v.Order
		}
		return nil
	}
	name, match, err := order.ParseTarget(t.target)
	if err != nil {
		return nil // an order as a whole
	}
	var q ruleset.QName
	if match == order.BelowOnly {
		q.SetBelow(name)
	} else {
		q.SetName(name)
	}
	blocking := []ruleset.Why{ruleset.Decides, ruleset.Outranked, ruleset.OutOfScope, ruleset.ExemptClient}
	_, reasons := set.Reasons(&q, ruleset.Client{}, now)
	for _, r := range reasons {
		if r.Order.ID == t.order && r.Target == name && slices.Contains(blocking, r.Why) {
			return r.Order
		}
	}
	return nil
}

// fail records and logs why a version of a file is not in force, or why there is
// none, once for each version and reason.
func (s *Store) fail(path string, f *file, version source.Digest, err error) {
	if f.err != nil && f.refused == version && f.err.Error() == err.Error() {
		return
	}
	f.err, f.refused = err, version
	f.failures++
	stays, check := "; nothing of it is in force", checkOrders
	if s.isList[path] {
		stays, check = "; the names and networks it lists are NOT protected", checkProtect
	}
	switch {
	case f.pattern:
		stays = "" // its files speak for themselves
	case f.gone && (f.part != nil || f.list != nil):
		stays = "" // said by gone and listGone
	case f.part != nil || f.list != nil:
		stays = fmt.Sprintf("; version %.12s stays in force", f.digest)
	}
	var ps order.Problems
	if !errors.As(err, &ps) {
		s.log.Errorf("%v%s", err, stays)
		return
	}
	s.logProblems(s.log.Errorf, path, "problems", check, ps)
	s.log.Errorf("%s: refused for %s%s", path, count(len(ps), "problem"), stays)
}

// public is the error of a file without what sealed orders must not tell, and of a
// protect list without most of its lines.
func (s *Store) public(path string, err error) string {
	var ps order.Problems
	if !errors.As(err, &ps) {
		return printable.Line(err.Error())
	}
	lines := s.lines(path, ps)
	if most := s.most(path); most == maxLoggedOfList && len(lines) > most {
		lines = append(lines[:most], fmt.Sprintf("%s: %d more problems; %s lists them", path, len(ps)-most, checkProtect))
	}
	for i := range lines {
		lines[i] = printable.Line(lines[i])
	}
	return strings.Join(lines, "\n")
}
