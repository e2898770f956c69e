package ruleset

import (
	"iter"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

// A Duty is a deadline or a review of an order, or a deadline of one target.
type Duty struct {
	// Number is the position of the order in Set.OrderStates, from 0.
	Number int
	Order  *Order
	At     order.Time
	// The target with the deadline, as in an order file. Empty means the whole order.
	Target string
	// Overdue means that the deadline has passed and the target is not enforced. AtRisk means that
	// the operator must act before the deadline. Late means that enforcement began after the
	// deadline.
	Overdue, AtRisk, Late bool
}

// MissedDuties yields past deadlines that were missed, and coming deadlines that will be missed.
// The second argument is the latest time of a deadline. Ended and lifted targets do not count. The
// deadlines are in the sequence of the files.
func (s *Set) MissedDuties(now, before order.Time) iter.Seq[Duty] {
	return func(yield func(Duty) bool) {
		first := 0
		for _, p := range s.parts {
			for x, d := range s.missed(p, now, before) {
				d.Number, d.Order = first+int(x.entry), &p.entries.at(x.entry).Order
				if t := x.of(p); t != nil {
					d.Target = t.String()
				}
				if !yield(d) {
					return
				}
			}
			first += p.entries.n
		}
	}
}

func (s *Set) missed(p *Part, now, before order.Time) iter.Seq2[*duty, Duty] {
	return func(yield func(*duty, Duty) bool) {
		for i := range p.deadlines {
			x := &p.deadlines[i]
			if x.at > before {
				continue
			}
			missed, overdue := s.willMiss(p, x, now)
			d := Duty{At: x.at, Overdue: overdue && x.at <= now, AtRisk: missed && x.at > now, Late: s.late(p, x, now)}
			if (d.Overdue || d.AtRisk || d.Late) && !yield(x, d) {
				return
			}
		}
	}
}

// DueReviews yields the reviews up to a given time. Ended and lifted orders do not count.
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

// UselessLifts returns each active lift that ends no order or lists an unknown order. The lifts are
// in the sequence of the files.
func (s *Set) UselessLifts() (out []Reach) {
	lifts, known := s.activeLifts()
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

// Touches reports whether a block order has a target at or above the name. Touches also returns
// true if an order contains a lower name.
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
