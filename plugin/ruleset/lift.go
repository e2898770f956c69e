package ruleset

import (
	"net/netip"
	"slices"

	"github.com/dns-orders/blocklist/plugin/order"
)

// excepted reports whether an exception of the order covers the name of the path. Exceptions
// apply to a name and all names below it, so the place does not matter.
func excepted(p *path, e *entry, group uint32) bool {
	for i := range p.hits {
		h := &p.hits[i]
		rules := h.of(e, except)
		for k := range rules {
			r := &rules[k]
			if r.kind != except {
				break
			}
			if h.part.entries.at(r.entry) == e && (r.group == 0 || r.group == group) {
				return true
			}
		}
	}
	return false
}

// lifter returns the lift in force that takes the place out of the order, nil if there is
// none, and the earliest time at which this may change.
func (j *judgement) lifter(p *path, e *entry, at place) (*entry, order.Time) {
	until := Forever
	for _, w := range j.whole[e.ID] {
		if w.shadow() && !j.shadow || !j.includes(w.entry) || w.entry.excepts && excepted(p, w.entry, 0) {
			continue
		}
		holds, next := w.part.holds(w.entry.sched, j.now)
		if holds {
			return w.entry, next
		}
		until = min(until, next)
	}
	lift, next := j.lifterAt(p, e, at)
	if lift != nil {
		return lift, next
	}
	return nil, min(until, next)
}

// lifterAt does the same as lifter, for the lifts with a target that covers the place.
func (j *judgement) lifterAt(p *path, e *entry, at place) (*entry, order.Time) {
	until := Forever
	if !p.cancels {
		return nil, until
	}
	for i := range p.hits {
		h := &p.hits[i]
		if h.crowd == nil {
			for k := 0; k < len(h.rules) && h.rules[k].kind < blockExact; k++ {
				if j.lifts(p, h, &h.rules[k], e, at, &until) {
					return h.by(k), until
				}
			}
			continue
		}
		for _, k := range h.crowd.byID[e.ID] {
			if j.lifts(p, h, &h.rules[k], e, at, &until) {
				return h.by(int(k)), until
			}
		}
		others := h.crowd.others[e.authority()]
		if others == nil {
			continue
		}
		for i := others.gone.next(0, netip.Addr{}, j.now); i >= 0; i = others.gone.next(i+1, netip.Addr{}, j.now) {
			k := int(others.at[i])
			if h.by(k).place < e.place {
				break // later lifts in the list do not reach the order either
			}
			if j.lifts(p, h, &h.rules[k], e, at, &until) {
				return h.by(k), until
			}
		}
	}
	return nil, until
}

// by returns the order of rule k.
func (h *hit) by(k int) *entry { return h.part.entries.at(h.rules[k].entry) }

// lifts reports whether a rule is a lift in force that takes the place out of the order. If
// so, it sets until to the time at which the lift ends. If not, it sets until to the time at
// which the lift begins, unless until is earlier.
func (j *judgement) lifts(p *path, h *hit, r *rule, e *entry, at place, until *order.Time) bool {
	if !r.kind.isLift() || r.shadow && !j.shadow || !at.covers(r.kind.match(), h.labels) {
		return false
	}
	l := h.part.entries.at(r.entry)
	if !l.reaches(e) || !j.includes(l) || excepted(p, l, r.group) {
		return false
	}
	holds, next := h.part.holds(r.sched, j.now)
	if holds {
		*until = next
	} else {
		*until = min(*until, next)
	}
	return holds
}

// askedLifted reports whether a lift takes the asked name out of the order, and the earliest
// time at which this may change. A lift ends only the effect of an order on the targets of the
// lift. If the order has no target that covers the asked name, the lift ends nothing, and the
// name that the answer leads to stays blocked.
func (j *judgement) askedLifted(e *entry) (bool, order.Time) {
	if !j.asked.cancels || !j.targets(&j.asked, e, j.askedAt) {
		return false, Forever
	}
	lift, until := j.lifterAt(&j.asked, e, j.askedAt)
	return lift != nil, until
}

// targets reports whether the order has a target that covers the place, whether or not the
// target is in force.
func (j *judgement) targets(p *path, e *entry, at place) bool {
	for i := range p.hits {
		h := &p.hits[i]
		for k := blockExact; k <= blockBelow; k++ {
			if !at.covers(k.match(), h.labels) {
				continue
			}
			for _, r := range h.of(e, k) {
				if r.kind == k && (!r.shadow || j.shadow) && h.part.entries.at(r.entry) == e {
					return true
				}
			}
		}
	}
	return false
}

// reaches reports whether a lift reaches an order. A lift with ids reaches the orders that it
// names. A lift without ids reaches orders of the same authority at an earlier place in
// history.
func (l *entry) reaches(e *entry) bool {
	if e.action != order.Block {
		return false
	}
	if len(l.lifts) > 0 {
		_, ok := slices.BinarySearch(l.lifts, e.ID)
		return ok
	}
	a, b := &l.Terms.Authority, &e.Terms.Authority
	if a.Name != b.Name || a.Country != b.Country || e.place == order.NoTime {
		return false
	}
	switch {
	case e.place != l.place:
		return e.place < l.place
	case e.from != l.from:
		return e.from < l.from
	case e.file == l.file:
		return e.index < l.index
	}
	// The sequence of orders in different files is unknown. The lift applies, so that no name
	// is blocked without an order, and Merge warns.
	return true
}
