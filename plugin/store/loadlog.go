package store

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

func (s *Store) report(before *ruleset.Set) {
	if !s.unlogged {
		return
	}
	set, now, warnings := s.set.Load(), seconds(s.clock.Now()), s.warnings
	s.unlogged, s.warnings = false, nil
	s.logChanges(set, warnings)
	var diffs []*ruleset.Diff
	total := 0
	for _, a := range s.activated {
		d := ruleset.Compare(a.old, a.new, maxLogged)
		diffs = append(diffs, d)
		total += d.Added + d.Changed + d.Removed
	}
	logAtMost(s.log.Infof, len(diffs), maxLogged, func(i int) string {
		a, d := s.activated[i], diffs[i]
		if a.forgotten {
			return fmt.Sprintf("%s: forgotten: %s removed", a.path, count(d.Removed, "order"))
		}
		return fmt.Sprintf("%s: loaded, version %.12s: %s added, %d changed, %d removed; the file has %s with %s",
			a.path, a.digest, count(d.Added, "order"), d.Changed, d.Removed, count(a.new.Orders(), "order"), count(a.new.Targets(), "target"))
	}, func(n int) string { return more(n, "file") + " loaded" })
	for _, o := range ruleset.Outcomes(before, set, diffs, now, maxLogged, s.closing.Load) {
		if o.What != ruleset.Affected {
			total--
		}
		if o.What != ruleset.MovedOn {
			s.log.Infof("%s", s.sentence(o, s.timezone(o.File)))
		}
	}
	if total > 0 {
		s.log.Infof("%s changed; blocklistctl list shows all orders", more(total, "order"))
	}
	if files := s.filesInForce(); files > 0 { // only a start that fails has no file in force
		s.log.Infof("the order set: %s; %s", count(files, "file"), s.totals(set.Counts(now), s.Status().Digest))
	}
}

func (s *Store) filesInForce() (n int) {
	for _, f := range s.files {
		if f.part != nil {
			n++
		}
	}
	return n
}

// Keep no reference to the set here, or the old set would stay in memory.
type logState struct {
	warnings map[warning]bool
	held     []heldTarget
	count    string
}

// A warning has no line number, because lines move.
type warning struct{ order, field, msg, got string }

// An empty target means the whole order.
type heldTarget struct{ order, target string }

func (s *Store) logChanges(set *ruleset.Set, warnings order.Problems) {
	next := logState{warnings: map[warning]bool{}}
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
			key.msg = "" // leave out the message, because it contains a line number of a protect list
		}
		next.warnings[key] = true
		switch {
		case s.logged.warnings[key]:
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
	s.logFreed(set, held)
	if next.count = heldCount(next.held); next.count != cmp.Or(s.logged.count, heldCount(nil)) {
		s.log.Infof("held, not enforced: %s", next.count)
	}
	s.logged = next
}

func (s *Store) logFreed(set *ruleset.Set, held map[heldTarget]bool) {
	is := "enforced"
	if s.opt.Shadow {
		is = "in shadow"
	}
	now := seconds(s.clock.Now())
	var freed []string
	for _, t := range s.logged.held {
		if held[t] {
			continue
		}
		if o := enforced(set, t, now); o != nil {
			target := fmt.Sprintf("%q", t.target)
			if d := o.Terms.Disclosure; d.Sealed() || d == order.Schedule {
				target = "a target"
			}
			freed = append(freed, fmt.Sprintf("order %s: %s is %s now, no longer held", o.Label(), target, is))
		}
	}
	logAtMost(s.log.Infof, len(freed), maxLogged, func(i int) string { return freed[i] }, func(n int) string {
		return fmt.Sprintf("the order set: %s now %s, no longer held; blocklistctl explain shows the state of a target", more(n, "target"), is)
	})
}

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

// A name counts as blocked even if it is blocked only for some clients. For a network, only the
// first address is checked.
func enforced(set *ruleset.Set, t heldTarget, now order.Time) *ruleset.Order {
	if x, why := order.ParsePrefix(t.target); why == "" {
		if v := set.DecideAddress(x.Addr(), ruleset.Query{Now: now}); v.Order != nil && v.Order.ID == t.order {
			return v.Order
		}
		return nil
	}
	name, match, err := order.ParseTarget(t.target)
	if err != nil {
		return nil // the guard held the whole order, so there is no single target
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
