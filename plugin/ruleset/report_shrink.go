package ruleset

import (
	"slices"

	"github.com/dns-orders/blocklist/plugin/order"
)

// BlockedAt returns the number of names and networks that p blocks at the time now. Lifts do not
// matter.
func (p *Part) BlockedAt(now order.Time) int { return p.TargetsLost(&Part{}, now) }

// NamesNotIn returns the number of names that are block targets in p but not in q.
func (p *Part) NamesNotIn(q *Part) (n int) {
	if q.blocked == 0 {
		return p.blocked
	}
	for x := range p.names.Join(q.names) {
		if blocks(p.list(x.Ref)) && !(x.Both && blocks(q.list(x.Other))) {
			n++
		}
	}
	return n
}

// Networks returns the number of addresses and networks with rules in p.
func (p *Part) Networks() (n int) {
	for range p.networks() {
		n++
	}
	return n
}

// TargetsLost returns the number of blocked names and networks that are missing in the next part.
// It counts only targets in force at the given time. A target of a suspended order is not missing.
func (p *Part) TargetsLost(next *Part, now order.Time) (n int) {
	return p.TargetsLostIn([]*Part{next}, now)
}

// TargetsLostIn is like TargetsLost, but next is several parts.
func (p *Part) TargetsLostIn(next []*Part, now order.Time) (n int) {
	inForce := func(r rule) bool {
		on, _ := p.inForceAt(r.sched, now)
		return on && r.kind >= blockExact && !r.shadow
	}
	for w, ref := range p.names.Wires() {
		if slices.ContainsFunc(p.list(ref), inForce) && !slices.ContainsFunc(next, func(q *Part) bool { return blocks(q.rulesAt(w)) }) {
			n++
		}
	}
	for x, rules := range p.networks() {
		if slices.ContainsFunc(rules, inForce) && !slices.ContainsFunc(next, func(q *Part) bool { return blocks(q.rulesAtNet(x)) }) {
			n++
		}
	}
	return n
}

// CountRefused returns the number of active block orders with the response REFUSED.
func (p *Part) CountRefused() (n int) {
	for _, e := range p.entries.all() {
		if e.action == order.Block && e.status == order.Active && e.Terms.Response.Kind == order.Refused {
			n++
		}
	}
	return n
}
