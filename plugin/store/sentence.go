package store

import (
	"fmt"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if stem, ok := strings.CutSuffix(noun, "y"); ok {
		return fmt.Sprintf("%d %sies", n, stem)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func more(n int, noun string) string { return count(n, "more "+noun) }

func (s *Store) timezone(path string) *time.Location {
	for _, f := range s.Status().Files {
		if f.Path == path {
			if zone, err := time.LoadLocation(f.Timezone); err == nil {
				return zone
			}
		}
	}
	return time.UTC
}

func kind(lift bool) string {
	if lift {
		return "lift"
	}
	return "order"
}

func (s *Store) stateText(state ruleset.State) string {
	if state == ruleset.Shadow || s.opt.Shadow && state == ruleset.InForce {
		return "in shadow"
	}
	return strings.ReplaceAll(state.String(), "_", " ")
}

func (s *Store) sentence(o ruleset.Outcome, zone *time.Location) string {
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
		out += s.outcomeState(o, zone)
		if o.Late != order.NoTime {
			out += ", late: its deadline was " + o.Late.EndText(zone)
		}
	}
	noun := "name"
	if o.Lift && !o.Below {
		noun = "own target"
	}
	blocked, freed := "newly blocked", "freed"
	if s.opt.Shadow {
		blocked, freed = "would be blocked", "would be freed"
	}
	if o.Blocked > 0 {
		out += fmt.Sprintf("; %s %s", count(o.Blocked, noun), blocked)
	}
	if o.Freed > 0 {
		out += fmt.Sprintf("; %s %s", count(o.Freed, noun), freed)
	}
	if !o.Counted {
		out += "; " + count(o.Targets, "target")
	}
	return out
}

func (s *Store) outcomeState(o ruleset.Outcome, zone *time.Location) string {
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
		return s.inForce(o, until)
	case ruleset.Pending:
		if o.Held > 0 {
			return until("pending") + fmt.Sprintf(", %s held", count(o.Held, "target"))
		}
		return until("pending")
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
	return s.stateText(o.State)
}

func (s *Store) inForce(o ruleset.Outcome, until func(string) string) string {
	is, t := s.stateText(ruleset.InForce), o.Tally
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
		return until(is) + ", but reaches no order"
	case !o.Lift && o.Targets == 0:
		return fmt.Sprintf("not enforced: DNS enforces none of its targets here (%s)", count(o.All, "target"))
	case !o.Lift && !o.Counted && o.Held > 0:
		return until(is) + fmt.Sprintf(", %s held", count(o.Held, "target"))
	case len(others) == 0:
		return until(is)
	case t.InForce == 0:
		return until("none of its targets is enforced now") + fmt.Sprintf(" (%s: %s)", count(enforced, "target"), strings.Join(others, ", "))
	}
	return until(is) + fmt.Sprintf(" (%d of %s; %s)", t.InForce, count(enforced, "target"), strings.Join(others, "; "))
}

// A target can have another state than its order.
func (s *Store) totals(c ruleset.Counts, digest string) string {
	states := func(noun, of string, n [ruleset.NumStates]int) string {
		if s.opt.Shadow {
			n[ruleset.InForce] += n[ruleset.Shadow]
			n[ruleset.Shadow] = 0
		}
		parts := []string{count(n[ruleset.InForce], noun) + of + " " + s.stateText(ruleset.InForce)}
		for i := range ruleset.NumStates {
			if n[i] > 0 && i != ruleset.InForce {
				parts = append(parts, fmt.Sprintf("%d %s", n[i], strings.TrimPrefix(s.stateText(i), "in ")))
			}
		}
		return strings.Join(parts, ", ")
	}
	out := []string{states("order", "", c.Orders)}
	if c.Lifts != ([ruleset.NumStates]int{}) {
		out = append(out, states("lift", "", c.Lifts))
	}
	out = append(out, states("target", " of orders", c.Targets), "digest "+digest)
	return strings.Join(out, "; ")
}
