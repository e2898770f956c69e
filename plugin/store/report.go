package store

import (
	"fmt"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// report logs what a load has changed: the files, the orders, and the set. before is the
// set before the load, nil at the start.
func (s *Store) report(before *ruleset.Set) {
	if !s.untold {
		return
	}
	set, now, warnings := s.set.Load(), seconds(s.clock.Now()), s.warnings
	s.untold, s.warnings = false, nil
	s.tell(set, warnings)
	var diffs []*ruleset.Diff
	total := 0
	for i, n := range s.news {
		d := ruleset.Compare(n.old, n.new, maxLogged)
		diffs = append(diffs, d)
		total += d.Added + d.Changed + d.Removed
		switch {
		case i < maxLogged:
			s.log.Infof("%s: loaded, version %.12s: %s added, %d changed, %d removed; the file has %s with %s",
				n.path, n.digest, count(d.Added, "order"), d.Changed, d.Removed, count(n.new.Orders(), "order"), count(n.new.Targets(), "target"))
		case i == maxLogged:
			s.log.Infof("%s more loaded", count(len(s.news)-i, "file"))
		}
	}
	outcomes := ruleset.Outcomes(before, set, diffs, now, maxLogged, s.closing.Load)
	for _, o := range outcomes {
		if o.What != ruleset.Affected {
			total--
		}
		if o.What != ruleset.MovedOn {
			s.log.Infof("%s", sentence(o, s.zone(o.File)))
		}
	}
	if n := total; n > 0 {
		s.log.Infof("%s more changed; blocklistctl list shows the orders", count(n, "order"))
	}
	if files := s.filesInForce(); files > 0 { // without one, the start fails
		s.log.Infof("the order set: %s; %s", count(files, "file"), totals(set.Counts(now), s.Status().Digest))
	}
}

// filesInForce returns the number of order files with a version in force.
func (s *Store) filesInForce() (n int) {
	for _, f := range s.files {
		if f.part != nil {
			n++
		}
	}
	return n
}

// count is a number and a noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// zone returns the time zone of an order file, in which the log writes the dates of its orders.
func (s *Store) zone(path string) *time.Location {
	for _, f := range s.Status().Files {
		if f.Path == path {
			if zone, err := time.LoadLocation(f.Timezone); err == nil {
				return zone
			}
		}
	}
	return time.UTC
}

// kind returns the word for an order or a lift.
func kind(lift bool) string {
	if lift {
		return "lift"
	}
	return "order"
}

// stateText returns the words for a state.
func stateText(s ruleset.State) string { return strings.ReplaceAll(s.String(), "_", " ") }

// sentence says what became of an order. zone is the time zone of the order's file.
func sentence(o ruleset.Outcome, zone *time.Location) string {
	out := fmt.Sprintf("%s %s: ", kind(o.Lift), o.Label)
	switch o.What {
	case ruleset.Added:
		out += "new, "
	case ruleset.Changed:
		out += "changed, "
	case ruleset.Moved:
		out += "moved from " + o.From
		if o.Differs {
			out += " and changed"
		}
		out += ", "
	}
	if o.What == ruleset.Removed {
		out += "removed from " + o.File
	} else {
		out += state(o, zone)
		if o.Late != order.NoTime {
			out += ", late: its deadline was " + o.Late.EndText(zone)
		}
	}
	noun := "name"
	if o.Lift && !o.Below {
		noun = "own target"
	}
	if o.Blocked > 0 {
		out += fmt.Sprintf("; %s newly blocked", count(o.Blocked, noun))
	}
	if o.Freed > 0 {
		out += fmt.Sprintf("; %s freed", count(o.Freed, noun))
	}
	if !o.Counted {
		out += "; " + count(o.Targets, "target")
	}
	return out
}

// state says how an order stands.
func state(o ruleset.Outcome, zone *time.Location) string {
	until := func(word string) string {
		if o.Until == ruleset.Forever {
			return word
		}
		if o.State == ruleset.Pending {
			return word + " until " + o.Until.StartText(zone)
		}
		return word + " until " + o.Until.EndText(zone)
	}
	switch o.State {
	case ruleset.InForce:
		return inForce(o, until)
	case ruleset.Pending:
		if o.Held > 0 {
			return until("pending") + fmt.Sprintf(", %s held", count(o.Held, "target"))
		}
		return until("pending")
	case ruleset.Shadow:
		return "in shadow"
	case ruleset.Lifted:
		if o.By == "" {
			return until("lifted")
		}
		return until("lifted by " + o.By)
	case ruleset.OnHold:
		if o.Whole {
			return "held as a whole, not enforced"
		}
		return fmt.Sprintf("held, not enforced (%s)", count(o.Held, "target"))
	}
	return stateText(o.State)
}

// inForce says how much is enforced of an order that is in force by its dates.
func inForce(o ruleset.Outcome, until func(string) string) string {
	t := o.Tally
	var others []string
	for _, x := range []struct {
		n    int
		what string
	}{{t.Lifted, "lifted"}, {t.Held, "held"}, {t.Pending, "pending"}, {t.Ended, "ended"}} {
		switch {
		case x.n == 0:
			continue
		case x.what == "lifted" && t.By != "":
			x.what += " by " + t.By
		}
		others = append(others, fmt.Sprintf("%d %s", x.n, x.what))
	}
	enforced := t.InForce + t.Lifted + t.Held + t.Pending + t.Ended
	switch {
	case o.Lift && !o.Reaches:
		return until("in force") + ", but reaches no order"
	case !o.Lift && o.Targets == 0:
		return fmt.Sprintf("not enforced: DNS enforces none of its targets here (%s)", count(o.All, "target"))
	case !o.Lift && !o.Counted && o.Held > 0:
		return until("in force") + fmt.Sprintf(", %s held", count(o.Held, "target"))
	case len(others) == 0:
		return until("in force")
	case t.InForce == 0:
		return until("nothing of it is enforced now") + fmt.Sprintf(" (%s: %s)", count(enforced, "target"), strings.Join(others, ", "))
	}
	return until("in force") + fmt.Sprintf(" (%d of %s; %s)", t.InForce, count(enforced, "target"), strings.Join(others, "; "))
}

// targets says how many targets orders of each state have. A target of an order in force need
// not be enforced: a lift or a date of its own may end it.
func targets(n [ruleset.NumStates]int) string {
	out := count(n[ruleset.InForce], "target") + " of orders in force"
	for i := range ruleset.NumStates {
		if n[i] > 0 && i != ruleset.InForce {
			out += fmt.Sprintf(", %d %s", n[i], stateText(i))
		}
	}
	return out
}

// totals says what a set has, and the set's digest.
func totals(c ruleset.Counts, digest string) string {
	states := func(noun string, n [ruleset.NumStates]int) string {
		parts := []string{count(n[ruleset.InForce], noun) + " in force"}
		for i := range ruleset.NumStates {
			if n[i] > 0 && i != ruleset.InForce {
				parts = append(parts, fmt.Sprintf("%d %s", n[i], stateText(i)))
			}
		}
		return strings.Join(parts, ", ")
	}
	out := []string{states("order", c.Orders)}
	if c.Lifts != ([ruleset.NumStates]int{}) {
		out = append(out, states("lift", c.Lifts))
	}
	out = append(out, targets(c.Targets), "digest "+digest)
	return strings.Join(out, "; ")
}
