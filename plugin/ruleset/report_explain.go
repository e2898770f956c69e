package ruleset

import (
	"slices"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

// A Why is the effect of a target on the verdict about a name.
type Why uint8

// The reasons in a Reason.
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
	OtherName // an exact or "*." target does not cover the asked name
	HeldBack  // the guard refuses to enforce the target
	InShadow  // the target would be in force if it were not in shadow
)

// A Reason describes the effect of one target on a name.
type Reason struct {
	Order  *Order
	Line   int // the line of the order in its file
	Target dname.Name
	Match  order.Match
	Why    Why
	// The lift that ends the order, or another order that has precedence.
	By     *Order
	Ended  order.Time
	Held   string
	Begins order.Time
	// The time at which the effect of the target on this client changes. Forever means no change.
	Until order.Time
	Since order.Time
	After *Order
}

// Explain lists all targets at and above the name. The deciding target is first. Explain is slow
// and allocates, so queries must not call Explain.
func (s *Set) Explain(q *QName, c Client, now order.Time) (Verdict, []Reason) {
	return s.explain(q, c, now, true)
}

// Reasons is like Explain, but faster. It does not set Until, Since and After.
func (s *Set) Reasons(q *QName, c Client, now order.Time) (Verdict, []Reason) {
	return s.explain(q, c, now, false)
}

// LiftOf returns the lift that ends an order at the name for a client. Without such a lift, the
// result is nil.
func (s *Set) LiftOf(id string, q *QName, c Client, now order.Time) *Order {
	for _, r := range s.reasons(Verdict{}, q, c, now, false, func(e *entry) bool { return e.ID == id }) {
		if r.Why == LiftedBy {
			return r.By
		}
	}
	return nil
}

func (s *Set) explain(q *QName, c Client, now order.Time, dates bool) (Verdict, []Reason) {
	v := s.Decide(q, Query{Client: c, Now: now})
	return v, s.reasons(v, q, c, now, dates, nil)
}

func (s *Set) reasons(v Verdict, q *QName, c Client, now order.Time, dates bool, only func(*entry) bool) []Reason {
	p := s.walk(&q.Wire, nil)
	j := judgement{Set: s, c: c, now: now}
	at := q.position()
	var list []*Reason
	var all []*dated
	var first *dated // the deciding target
	for i := range p.hits {
		h := &p.hits[i]
		for k, end := 0, 0; k < len(h.rules); k = end {
			r := &h.rules[k]
			end = k + sameTargets(h.rules[k:])
			if r.kind < blockExact {
				continue
			}
			e := h.part.entries.at(r.entry)
			if only != nil && !only(e) {
				continue
			}
			x := &Reason{Order: &e.Order, Line: int(e.line), Target: q.Ancestor(h.labels), Match: r.kind.match(), Until: Forever, Since: order.NoTime, Begins: order.NoTime}
			rules := h.rules[k:end]
			j.reason(x, &p, h, rules, e, at)
			t := &dated{reason: x, entry: e, hit: h, rules: rules}
			if dates && x.changes() && (e.scope.includes(c) || !j.undecidable(e)) {
				all = append(all, t)
			}
			list = append(list, x)
			switch {
			case x.Why != Outranked:
			case v.Order == x.Order && v.TargetLabels == h.labels && v.Match == x.Match:
				x.Why, first = Decides, t
			default:
				x.By = v.Order
			}
		}
	}
	if dates {
		d := dater{judgement: &j, path: &p, at: at, histories: map[historyKey]*history{}}
		d.date(all)
		if first != nil {
			first.decideAlone(slices.DeleteFunc(all, func(t *dated) bool { return !t.entry.scope.includes(c) }))
		}
	}
	out := make([]Reason, 0, len(list))
	if first != nil {
		out = append(out, *first.reason)
	}
	for _, x := range list {
		if x.Why != Decides {
			out = append(out, *x)
		}
	}
	return out
}

func (x *Reason) changes() bool {
	switch x.Why {
	case NotYet, Over, Outranked, LiftedBy, ExemptClient, InShadow:
		return true
	}
	return false
}

func (j *judgement) reason(x *Reason, p *path, h *hit, rules []rule, e *entry, at position) {
	if !at.covers(x.Match, h.labels) {
		x.Why = OtherName
		return
	}
	active, dark := h.part.union(rules, false), h.part.union(rules, true)
	when, shadow := *j, false
	if sp := spellAt(active, j.now); !sp.on {
		d := spellAt(dark, j.now)
		switch shadow = d.on || d.until < sp.until; {
		case d.on:
		case len(active)+len(dark) == 0:
			x.Why = NotActive
			return
		case min(sp.until, d.until) == Forever:
			x.Why = Over
			for _, iv := range slices.Concat(active, dark) {
				x.Ended = max(x.Ended, iv.until)
			}
			return
		default:
			x.Begins = min(sp.until, d.until)
			when.now = x.Begins
		}
	}
	everyone := when
	everyone.c = Client{}
	inScope := e.scope.includes(j.c)
	lift, _ := everyone.lifter(p, e, at)
	if lift == nil && inScope {
		lift, _ = when.lifter(p, e, at)
	}
	exempt, _ := e.exempt.covers(j.c, when.now)
	switch {
	case excepted(p, h.part, rules[0].entry, rules[0].group):
		x.Why = Excepted
	case h.held != nil && !e.force.covers(h.held, x.Match):
		x.Why, x.Held = HeldBack, h.held.why
	case lift != nil:
		x.Why, x.By = LiftedBy, &lift.Order
	case !inScope && j.undecidable(e):
		x.Why, x.Held = HeldBack, noCountry
	case !inScope:
		x.Why = OutOfScope
	case exempt:
		x.Why = ExemptClient
	case shadow:
		x.Why = InShadow
	case x.Begins != order.NoTime:
		x.Why = NotYet
	default:
		x.Why = Outranked
	}
}

func (p *Part) union(rules []rule, shadow bool) (out []interval) {
	for i := range rules {
		if rules[i].shadow == shadow {
			out = append(out, p.ivs(rules[i].sched)...)
		}
	}
	return merged(out)
}
