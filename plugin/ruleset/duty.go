package ruleset

import "github.com/dns-orders/blocklist/plugin/order"

// duty is a time that an order sets its operator: the deadline of the order, or of
// a target with one of its own, or the time to look at it again.
type duty struct {
	at           order.Time
	entry, sched uint32
}

// Duties are the times that operators must not miss.
type Duties struct {
	// Overdue is the number of orders that are past a deadline and not in force.
	Overdue int
	// NextDeadline is the next one at which an order will not be in force if
	// nobody does anything; Forever when there is none.
	NextDeadline order.Time
	// PastReview is the number of orders, still enforced, that somebody should
	// have looked at again.
	PastReview int
}

// duties notes the times that an order sets.
func (b *Builder) duties(o *order.Order, e *entry, n uint32) {
	if o.Deadline != order.NoTime {
		b.part.deadlines = append(b.part.deadlines, duty{o.Deadline, n, e.sched})
	}
	if o.Review != order.NoTime {
		b.part.reviews = append(b.part.reviews, duty{o.Review, n, e.sched})
	}
}

// Duties returns how the set stands to its deadlines and reviews at a time. What
// has ended or been lifted owes nothing.
func (s *Set) Duties(now order.Time) Duties {
	d := Duties{NextDeadline: Forever}
	for _, p := range s.parts {
		last := ^uint32(0)
		for _, x := range p.deadlines {
			missed, late := s.missed(p, x, now)
			switch {
			case !missed:
			case x.at > now:
				d.NextDeadline = min(d.NextDeadline, x.at)
			case late && x.entry != last: // an order counts once; its duties stand together
				d.Overdue++
				last = x.entry
			}
		}
		for _, x := range p.reviews {
			if st, _ := s.state(p, &p.entries[x.entry], now); x.at <= now && st != Ended && st != Lifted {
				d.PastReview++
			}
		}
	}
	return d
}

// missed reports whether a deadline was, or will be, missed if nobody does
// anything, and whether what it was set for is still not in force.
func (s *Set) missed(p *Part, x duty, now order.Time) (missed, late bool) {
	e := &p.entries[x.entry]
	switch st, _ := s.state(p, e, now); {
	case st == Ended || st == Lifted:
		return false, false
	case e.status != order.Active || s.heldBack(e) || s.heldOf[e] > 0:
		return true, true
	}
	ivs := p.ivs(x.sched)
	if len(ivs) == 0 {
		return true, true // the target is not active
	}
	// Windows are the order's own will: it need not be in force between them.
	return ivs[0].from > x.at, ivs[0].from > now
}
