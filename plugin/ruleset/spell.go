package ruleset

import (
	"cmp"

	"github.com/dns-orders/blocklist/plugin/order"
)

// An enforced is a target at a place, with the times in which the target is enforced for a
// client.
type enforced struct {
	entry  *entry
	labels int
	match  order.Match
	times  []interval
	ends   []liftEnd
}

// A liftEnd is a time at which a lift ends.
type liftEnd struct {
	at   order.Time
	lift *Order
}

// times returns the times in which a target is enforced, which are the times of its rules
// without the times of lifts and of an exemption of the client. If the client is not in the
// scope of the order, the client is a client in that scope that no scoped lift is for.
func (j *judgement) times(x *Reason, p *path, h *hit, rules []rule, e *entry, at place) (times []interval, ends []liftEnd) {
	if excepted(p, h.part, rules[0].entry, rules[0].group) || h.held != nil && !e.force.covers(h.held, x.Match) {
		return nil, nil
	}
	in := *j
	if !e.scope.includes(j.c) {
		in.c = Client{}
	}
	off, ends := in.liftTimes(p, e, at)
	// An exemption that ends covers the client from the beginning of time, so the longest one
	// decides.
	for now := order.NoTime; ; {
		exempt, end := e.exempt.covers(in.c, now)
		if !exempt {
			break
		}
		off, now = append(off, interval{order.NoTime, end}), end
		if end == Forever {
			break
		}
	}
	return without(h.part.union(rules, false), off), ends
}

// liftTimes returns the times in which lifts take the place out of the order, and the ends of
// these lifts.
func (j *judgement) liftTimes(p *path, e *entry, at place) (times []interval, ends []liftEnd) {
	add := func(part *Part, l *entry, sched uint32) {
		for _, iv := range part.ivs(sched) {
			times = append(times, iv)
			ends = append(ends, liftEnd{iv.until, &l.Order})
		}
	}
	for _, w := range j.whole[e.ID] {
		if !w.shadow() && j.includes(w.entry) && !(w.entry.excepts && excepted(p, w.part, w.number, 0)) {
			add(w.part, w.entry, w.entry.sched)
		}
	}
	if !p.lifts {
		return times, ends
	}
	for i := range p.hits {
		h := &p.hits[i]
		for _, k := range h.liftsOf(e) {
			r := &h.rules[k]
			l := h.part.entries.at(r.entry)
			if !r.shadow && at.covers(r.kind.match(), h.labels) && l.reaches(e) && j.includes(l) && !excepted(p, h.part, r.entry, r.group) {
				add(h.part, l, r.sched)
			}
		}
	}
	return times, ends
}

// liftsOf returns the indexes of the lifts at the hit that may reach an order.
func (h *hit) liftsOf(e *entry) (at []uint32) {
	if h.long == nil {
		for k := 0; k < len(h.rules) && h.rules[k].kind < blockExact; k++ {
			if h.rules[k].kind.isLift() {
				at = append(at, uint32(k))
			}
		}
		return at
	}
	named, later := h.long.lifts.of(e)
	for _, l := range named {
		at = append(at, l.rule)
	}
	for _, l := range later {
		at = append(at, l.lift.rule)
	}
	return at
}

// without returns the intervals of ivs without the intervals of off, in any sequence.
func without(ivs, off []interval) []interval {
	left := []interval{}
	from := order.NoTime
	for _, iv := range merged(off) {
		if from < iv.from {
			left = append(left, interval{from, iv.from})
		}
		from = iv.until
	}
	if from < Forever {
		left = append(left, interval{from, Forever})
	}
	return intersect(ivs, left)
}

// alone returns t with only the times in which no better target of the list is enforced.
func (t enforced) alone(all []enforced) enforced {
	var better []interval
	for _, x := range all {
		if x.entry != t.entry || x.labels != t.labels || x.match != t.match {
			if cmp.Or(cmp.Compare(t.labels, x.labels), cmp.Compare(x.match, t.match), precedence(x.entry, t.entry)) < 0 {
				better = append(better, x.times...)
			}
		}
	}
	t.times = without(t.times, better)
	return t
}

// dates sets the dates of a reason.
func (t enforced) dates(x *Reason, now order.Time) {
	sp := spellAt(t.times, now)
	x.Until, x.Since, x.After = sp.until, order.NoTime, nil
	if !sp.holds {
		return
	}
	x.Since = sp.since
	for _, end := range t.ends {
		if end.at == x.Since {
			x.After = end.lift
		}
	}
}
