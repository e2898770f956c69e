package ruleset

import (
	"net/netip"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

// duty is a time that an order sets its operator: the deadline of the order, or of
// a target with one of its own, or the time to look at it again. A register may
// have one for each of very many orders, so it is small.
type duty struct {
	at    order.Time
	entry uint32
	// sched is the time in which the order, or target, is owed (see owed), whatever
	// its status is; empty when no date of it ever comes.
	sched uint32
	// target is the number, from 1, of the target that the duty is about among the
	// part's; 0 for the order as a whole.
	target uint32
}

// dutyTarget is a target that has a duty of its own.
type dutyTarget struct {
	target
	idle bool // not active
}

// target is a name or, when net is valid, a network.
type target struct {
	name  dname.Name
	match order.Match
	net   netip.Prefix
}

// of returns the target that the duty is about, nil for the order as a whole.
func (x *duty) of(p *Part) *dutyTarget {
	if x.target == 0 {
		return nil
	}
	return &p.dutyTargets[x.target-1]
}

// Duties are the times that operators must not miss.
type Duties struct {
	// Overdue is the number of orders, and lifts, that are past a deadline and of
	// which something is not in force.
	Overdue int
	// NextDeadline is the next one at which an order will not be in force if
	// nobody does anything; Forever when there is none.
	NextDeadline order.Time
	// Late is the number of active orders, and lifts, neither ended nor lifted, that are
	// known to have come into force after a deadline: by their own dates, or because this
	// server loaded them late (see Follow).
	Late int
	// PastReview is the number of orders, neither ended nor lifted, that somebody
	// should have looked at again.
	PastReview int
}

// duties notes the times that an order sets; own is when its dates have it in
// force.
func (b *Builder) duties(o *order.Order, n uint32, own []interval) {
	add := func(to *[]duty, x duty, ivs []interval) {
		if x.at != order.NoTime {
			x.entry, x.sched = n, b.schedule(ivs)
			*to = append(*to, x)
		}
	}
	whole := owed(begin(o), own)
	add(&b.part.deadlines, duty{at: o.Deadline}, whole)
	add(&b.part.reviews, duty{at: o.Review}, whole)
	for i := range o.Targets {
		t := &o.Targets[i]
		a := t.Attr
		if a == nil || !enforceable(o.Action, t) {
			continue
		}
		at, idle := a.Deadline, a.Status != order.Active
		if at == order.NoTime && idle {
			at = o.Deadline // which the order, in force or not, misses for this target
		}
		if at == order.NoTime {
			continue
		}
		b.part.dutyTargets = append(b.part.dutyTargets, dutyTarget{target{t.Name, t.Match, a.Address}, idle})
		ivs := intersect(own, intersect(single(a.From, a.Until), windows(a.Windows)))
		add(&b.part.deadlines, duty{at: at, target: uint32(len(b.part.dutyTargets))}, owed(max(begin(o), a.From), ivs))
	}
}

// owed returns the time in which something is owed that begins at from and has dates
// ivs: until the last window ends, and before and between the windows too. Windows are
// the order's own will. An order for a match is due half an hour after it was served,
// and what is due is that it is loaded, long before the match begins.
func owed(from order.Time, ivs []interval) []interval {
	if len(ivs) == 0 {
		return nil
	}
	return []interval{{from, ivs[len(ivs)-1].until}}
}

// Duties returns how the set stands to its deadlines and reviews at a time. What
// has ended or been lifted owes nothing.
func (s *Set) Duties(now order.Time) Duties {
	d := Duties{NextDeadline: Forever}
	for _, p := range s.parts {
		last, lastLate := ^uint32(0), ^uint32(0)
		for i := range p.deadlines {
			x := &p.deadlines[i]
			if x.entry != lastLate && s.late(p, x, now) {
				d.Late++
				lastLate = x.entry
			}
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
		for i := range p.reviews {
			if x := &p.reviews[i]; x.at <= now && !s.settled(p, x, now) {
				d.PastReview++
			}
		}
	}
	return d
}

// missed reports whether a deadline was, or will be, missed if nobody does
// anything, and whether what it was set for is still not in force.
func (s *Set) missed(p *Part, x *duty, now order.Time) (missed, late bool) {
	ivs, t := p.ivs(x.sched), x.of(p)
	switch {
	// Dates by which it is never in force are a slip that somebody must mend.
	case t != nil && t.idle || p.entries.at(x.entry).status != order.Active || len(ivs) == 0 || s.withheld(p, x, max(now, x.at)):
		missed, late = true, true
	case ivs[0].from > x.at:
		missed, late = true, ivs[0].from > now
	default:
		return false, false
	}
	if s.settled(p, x, max(now, x.at)) {
		return false, false
	}
	return missed, late
}

// settled reports whether what a duty is about is over or lifted, so that it
// cannot come into force any more. A status does not settle anything: an order
// that somebody suspended is still owed.
func (s *Set) settled(p *Part, x *duty, now order.Time) bool {
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

// liftedAt reports whether a lift that holds for everyone takes a target out of
// its order.
func (s *Set) liftedAt(e *entry, t *target, now order.Time) bool {
	var p path
	var at place // a network covers all its addresses
	if t.net.IsValid() {
		p = s.netPath(t.net, nil)
	} else {
		var w dname.Wire
		w.SetName(t.name)
		p = s.walk(&w, nil)
		n := t.name.NumLabels()
		at = place{n, n, t.match == order.Below}
	}
	j := judgement{Set: s, now: now}
	l, _ := j.lifter(&p, e, at)
	return l != nil
}

// withheld reports whether the set does not enforce what a duty is about though
// the order says so: the guard holds it, or the configuration has no means to.
func (s *Set) withheld(p *Part, x *duty, now order.Time) bool {
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
	for _, h := range s.heldTargets {
		if h.entry == e && !s.liftedAt(e, &target{h.place.name, h.match, h.place.net}, now) {
			return true
		}
	}
	return false
}
