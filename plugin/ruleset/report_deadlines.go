package ruleset

import "github.com/dns-orders/blocklist/plugin/order"

// A Deadlines describes the deadlines and reviews of a set at one time.
type Deadlines struct {
	Overdue      int
	NextDeadline order.Time
	// Late is the number of orders that came into force late and have not ended (see Follow).
	Late       int
	PastReview int
}

// Deadlines counts the deadlines and reviews at the time now. Ended and lifted orders do not count.
func (s *Set) Deadlines(now order.Time) Deadlines {
	d := Deadlines{NextDeadline: Forever}
	for _, p := range s.parts {
		overdue, late := none, none
		for x, m := range s.missed(p, now, Forever) {
			switch {
			case m.AtRisk:
				d.NextDeadline = min(d.NextDeadline, x.at)
			case m.Overdue && x.entry != overdue:
				d.Overdue++
				overdue = x.entry
			}
			if m.Late && x.entry != late {
				d.Late++
				late = x.entry
			}
		}
		for i := range p.reviews {
			if x := &p.reviews[i]; x.at <= now && !s.moot(p, x, now) {
				d.PastReview++
			}
		}
	}
	return d
}

func (s *Set) willMiss(p *Part, x *duty, now order.Time) (missed, overdue bool) {
	ivs, t := p.ivs(x.sched), x.of(p)
	switch {
	case t != nil && t.idle || p.entries.at(x.entry).status != order.Active || len(ivs) == 0 || s.blocked(p, x, max(now, x.at)):
		missed, overdue = true, true
	case ivs[0].from > x.at:
		missed, overdue = true, ivs[0].from > now
	default:
		return false, false
	}
	if s.moot(p, x, max(now, x.at)) {
		return false, false
	}
	return missed, overdue
}

func (s *Set) moot(p *Part, x *duty, now order.Time) bool {
	if ivs := p.ivs(x.sched); len(ivs) > 0 && ivs[len(ivs)-1].until <= now {
		return true
	}
	e := p.entries.at(x.entry)
	if e.action == order.Lift {
		return false
	}
	if t := x.of(p); t != nil {
		return s.liftedAt(e, &t.target, now)
	}
	on, _ := s.lifted(e, now)
	return on
}

func (s *Set) liftedAt(e *entry, t *target, now order.Time) bool {
	return s.lifterOfTarget(e, t, now) != nil
}

func (s *Set) blocked(p *Part, x *duty, now order.Time) bool {
	e, t := p.entries.at(x.entry), x.of(p)
	switch {
	case s.undecidable(e):
		return true
	case e.action == order.Lift:
		return false
	case t != nil && t.net.IsValid() && !s.opt.Addresses:
		return true
	case t != nil:
		h := s.held.of(&t.target)
		return h != nil && !e.force.covers(h, t.match)
	case e.addrs > 0 && !s.opt.Addresses:
		return true
	case s.heldOf[e] == 0:
		return false
	}
	for i := range s.heldTargets {
		if h := &s.heldTargets[i]; h.entry == e && !s.liftedAt(e, &h.target, now) {
			return true
		}
	}
	return false
}
