package ruleset

import (
	"slices"

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
	// Begins is the time at which the dates of a target begin that has not begun, else NoTime.
	// Why is then the reason for the effect of the target at that time, or NotYet if the target
	// will be enforced from that time on.
	Begins order.Time
	// Until is the time at which the effect of the target on this client changes, or Forever
	// if no change is known. The deciding target decides until that time. A target that is
	// outranked is enforced until that time. Any other target is enforced next at that time. If
	// the client is out of the scope of a lifted order, Until is the time for a client in the
	// scope.
	Until order.Time
	// Since is the time at which the deciding target began to decide, or at which a target
	// that is outranked came into force. It is NoTime if no such time is known.
	Since order.Time
	// After is the lift that ended at Since, if Since is the end of a lift.
	After *Order
}

// Explain lists each target at the name or above it, the deciding target first, with the reason
// why the target decides or not, and the times at which its effect changes. Explain also lists
// orders and targets that are not active. Explain allocates and is meant for tools, not for queries.
func (s *Set) Explain(q *QName, c Client, now order.Time) (Verdict, []Reason) {
	return s.explain(q, c, now, true)
}

// Reasons returns the same as Explain without Until, Since and After. It does less work if
// there are many orders at the name.
func (s *Set) Reasons(q *QName, c Client, now order.Time) (Verdict, []Reason) {
	return s.explain(q, c, now, false)
}

// LiftOf returns the lift that takes a name out of an order, or nil if there is none. id is the
// id of the order. LiftOf does less work than Reasons if there are many orders at the name.
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

// reasons returns the reasons for the verdict v. If only is not nil, it returns only the reasons
// of orders for which only returns true.
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
			x := &Reason{Order: &e.Order, Target: q.Ancestor(h.labels), Match: r.kind.match(), Until: Forever, Since: order.NoTime, Begins: order.NoTime}
			rules := h.rules[k:end]
			j.reason(x, &p, h, rules, e, at)
			t := &dated{reason: x, entry: e, hit: h, rules: rules}
			if dates && x.changes() && !j.undecidable(e) {
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

// changes reports whether the target may be enforced for the client at another time.
func (x *Reason) changes() bool {
	switch x.Why {
	case NotYet, Over, Outranked, LiftedBy, ExemptClient, InShadow:
		return true
	}
	return false
}

// reason fills in x for one target, without the dates. The rules are the rules of that target,
// one for each schedule in which the order lists it. If there is no other reason, x.Why is
// Outranked. A reason that lasts longer comes before a reason that may end sooner, so that
// the text of a reason does not suggest that the end of the reason changes the verdict.
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
	on           bool
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
