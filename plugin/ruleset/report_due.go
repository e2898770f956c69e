package ruleset

import (
	"iter"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

// A Duty is a deadline or a review of an order at one time. It can also be a deadline of
// one target.
type Duty struct {
	// Number is the position of the order in the sequence of Set.OrderStates, from 0.
	Number int
	Order  *Order
	// At is the time at which the order or target must be in force.
	At order.Time
	// Begins: At is the beginning of the order or target, and the deadline is not later.
	Begins bool
	// Target is the target of the duty, as in an order file. It is empty if the duty is
	// for the whole order.
	Target string
	// Overdue: not enforced after the deadline. AtRisk: the operator must act before the
	// deadline. Late: enforced only after the deadline.
	Overdue, AtRisk, Late bool
}

// MissedDuties yields the deadlines up to the time `before` that were missed, or will be
// missed if the operator does nothing. Ended and lifted orders and targets have none. The
// sequence is that of the files.
func (s *Set) MissedDuties(now, before order.Time) iter.Seq[Duty] {
	return func(yield func(Duty) bool) {
		first := 0
		for _, p := range s.parts {
			for i := range p.deadlines {
				x := &p.deadlines[i]
				if x.at > before {
					continue
				}
				missed, overdue := s.willMiss(p, x, now)
				ivs := p.ivs(x.sched)
				d := Duty{Number: first + int(x.entry), Order: &p.entries.at(x.entry).Order, At: x.at, Begins: len(ivs) > 0 && ivs[0].from == x.at, Overdue: overdue && x.at <= now, AtRisk: missed && x.at > now, Late: s.late(p, x, now)}
				if !d.Overdue && !d.AtRisk && !d.Late {
					continue
				}
				if t := x.of(p); t != nil {
					if d.Target = t.match.Pattern(t.name); t.net.IsValid() {
						d.Target = t.net.String()
					}
				}
				if !yield(d) {
					return
				}
			}
			first += p.entries.n
		}
	}
}

// DueReviews yields the reviews up to the time `before`. Orders that have ended or were
// lifted by then have none.
func (s *Set) DueReviews(now, before order.Time) iter.Seq[Duty] {
	return func(yield func(Duty) bool) {
		first := 0
		for _, p := range s.parts {
			for i := range p.reviews {
				x := &p.reviews[i]
				if x.at <= before && !s.moot(p, x, max(now, x.at)) && !yield(Duty{Number: first + int(x.entry), Order: &p.entries.at(x.entry).Order, At: x.at}) {
					return
				}
			}
			first += p.entries.n
		}
	}
}

// A Reach describes an active lift that ends no order, or that lists unknown ids.
type Reach struct {
	Lift    *Order
	Unknown []string // the ids in the lift that no order of the set has
	Nothing bool     // the lift ends the effect of no order
}

// UselessLifts returns the active lifts that end no order, and the active lifts that list
// unknown ids. The sequence is that of the files.
func (s *Set) UselessLifts() (out []Reach) {
	lifts, known := s.activeLifts()
	if len(lifts) == 0 {
		return nil
	}
	found := s.meetings(lifts)
	for _, l := range lifts {
		x := Reach{Lift: &l.Order, Nothing: !found[l].reached}
		for _, id := range l.lifts {
			if !known[id] {
				x.Unknown = append(x.Unknown, id)
			}
		}
		if x.Nothing || x.Unknown != nil {
			out = append(out, x)
		}
	}
	return out
}

// Touches reports whether an order concerns the name. A block order can have a target at
// or above the name. Any order can have a name below.
func (s *Set) Touches(name dname.Name) bool {
	touches := false
	s.above(name, func(*entry) { touches = true })
	var w dname.Wire
	w.SetName(name)
	for _, p := range s.parts {
		touches = touches || p.names.HasBelow(&w)
	}
	return touches
}
