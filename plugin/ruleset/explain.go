package ruleset

import (
	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

// Why is the reason for the effect of one target on one name.
type Why uint8

// The reasons, in the sequence in which they are checked.
const (
	Decides Why = iota
	Outranked
	NotActive // because of the status of the order or the target
	NotYet
	Over
	OutOfScope
	ExemptClient
	Excepted
	LiftedBy
	OtherName // an exact or "*." target that does not cover the asked name
	HeldBack  // by the guard
	InShadow  // would be in force if it were not in shadow
)

// A Reason describes the effect of one target on the path to a name.
type Reason struct {
	Order  *Order
	Target dname.Name
	Match  order.Match
	Why    Why
	// By is the order that lifts or outranks this order.
	By *Order
	// Held is the reason why the guard holds the target.
	Held string
	// Until is the time until which Why stays the same, or Forever if no change is known.
	Until order.Time
	// Since is the time at which a target in force came into force, or NoTime if it was always
	// in force.
	Since order.Time
}

// Explain lists every target at the name or above it, the deciding target first, with the
// reason why it decides or not. It also lists orders and targets that are not active. Explain
// allocates and is meant for tools, not for queries.
func (s *Set) Explain(q *Asked, c Client, now order.Time) (Verdict, []Reason) {
	v := s.Decide(q, c, now)
	p := s.walk(&q.Wire, nil)
	j := judgement{Set: s, c: c, now: now}
	at := q.place()
	var first, rest []Reason
	for i := range p.hits {
		h := &p.hits[i]
		for k, end := 0, 0; k < len(h.rules); k = end {
			// A target that the order lists twice is one target. Its rules are adjacent.
			r := &h.rules[k]
			for end = k + 1; end < len(h.rules) && h.rules[end].entry == r.entry && h.rules[end].kind == r.kind; {
				end++
			}
			if r.kind < blockExact {
				continue
			}
			e := h.part.entries.at(r.entry)
			x := Reason{Order: &e.Order, Target: q.Ancestor(h.labels), Match: r.kind.match(), Until: Forever, Since: order.NoTime}
			j.reason(&x, &p, h, h.rules[k:end], e, at)
			if x.Why == Outranked && v.Order == x.Order && v.TargetLabels == h.labels && v.Match == x.Match {
				x.Why, x.By = Decides, nil
				first = append(first, x)
				continue
			}
			if x.Why == Outranked {
				x.By = v.Order
			}
			rest = append(rest, x)
		}
	}
	return v, append(first, rest...)
}

// reason fills in x for one target. The rules are the rules of that target, one for each
// schedule in which the order lists it. If there is no other reason, x.Why is Outranked.
func (j *judgement) reason(x *Reason, p *path, h *hit, rules []rule, e *entry, at place) {
	if !at.covers(x.Match, h.labels) {
		x.Why = OtherName
		return
	}
	active, dark := h.part.union(rules, false), h.part.union(rules, true)
	now := spellAt(active, j.now)
	shadow := false
	if !now.holds {
		if s := spellAt(dark, j.now); s.holds {
			now, shadow = spell{true, s.since, min(s.until, now.until)}, true
		} else {
			now.until = min(s.until, now.until)
		}
	}
	if !now.holds {
		switch x.Why, x.Until = NotYet, now.until; {
		case len(active)+len(dark) == 0:
			x.Why = NotActive
		case now.until == Forever:
			x.Why = Over
		}
		return
	}
	x.Until, x.Since = now.until, now.since
	if !e.scope.includes(j.c) {
		x.Why = OutOfScope
		if j.undecidable(e) {
			x.Why, x.Held = HeldBack, noCountry
		}
		return
	}
	if exempt, end := e.exempt.covers(j.c, j.now); exempt {
		x.Why, x.Until = ExemptClient, end
		return
	}
	if excepted(p, e, rules[0].group) {
		x.Why = Excepted
		return
	}
	if l, end := j.lifter(p, e, at); l != nil {
		x.Why, x.By, x.Until = LiftedBy, &l.Order, end
		return
	}
	switch {
	case h.held != nil && !e.force.covers(h.held, x.Match):
		x.Why, x.Held = HeldBack, h.held.why
	case shadow:
		x.Why = InShadow
	default:
		x.Why = Outranked
	}
}

// union returns the intervals in which any of the rules is in force. It uses only the rules
// whose shadow flag is equal to shadow.
func (p *Part) union(rules []rule, shadow bool) (out []interval) {
	for i := range rules {
		if rules[i].shadow == shadow {
			out = append(out, p.ivs(rules[i].sched)...)
		}
	}
	return merged(out)
}

// A spell is the interval of a schedule that contains a time. If no interval contains the
// time, until is the start of the next interval.
type spell struct {
	holds        bool
	since, until order.Time
}

func spellAt(ivs []interval, now order.Time) spell {
	for _, iv := range ivs {
		switch {
		case now < iv.from:
			return spell{until: iv.from}
		case now < iv.until:
			return spell{true, iv.from, iv.until}
		}
	}
	return spell{until: Forever}
}
