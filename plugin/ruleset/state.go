package ruleset

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/dns-orders/blocklist/plugin/order"
)

// State is the state of an order at one time.
type State uint8

// The states of an order.
const (
	InForce State = iota
	Pending       // will be in force
	Ended         // its until or its last window has passed
	Lifted        // each target is lifted for all clients; an order with some targets lifted stays InForce
	OnHold        // active and not ended, but no target can be enforced; see Set.Held
	Suspended
	Shadow
	Draft
	NumStates
)

// String returns the name of the state in metrics and lists.
func (s State) String() string {
	return [...]string{"in_force", "pending", "ended", "lifted", "held", "suspended", "shadow", "draft"}[s]
}

// Counts are the numbers of orders and targets by state.
type Counts struct {
	// Orders counts block orders, and Lifts counts lifts.
	Orders, Lifts [NumStates]int
	// Targets counts the targets of block orders that DNS enforces, by the state of their
	// order. Targets that the guard holds count as OnHold, and lifted targets of orders in
	// force count as Lifted.
	Targets [NumStates]int
	// NotDNS counts the targets of block orders in force that are not enforced here, which are
	// URLs and addresses.
	NotDNS int
}

// state returns the state of an order and the next time at which the state may change.
func (s *Set) state(p *Part, e *entry, now order.Time) (State, order.Time) {
	switch e.status {
	case order.Suspended:
		return Suspended, Forever
	case order.Shadow:
		return Shadow, Forever
	case order.Draft:
		return Draft, Forever
	}
	holds, next := p.holds(e.sched, now)
	if !holds {
		if next == Forever {
			return Ended, next
		}
		if s.heldBack(e) {
			return OnHold, next
		}
		return Pending, next
	}
	if e.action == order.Block {
		on, until := s.lifted(e, now)
		next = min(next, until)
		if on {
			return Lifted, next
		}
	}
	if s.heldBack(e) {
		return OnHold, next
	}
	return InForce, next
}

// Counts counts the orders and targets of the set at a time.
func (s *Set) Counts(now order.Time) (c Counts) {
	s.each(func(p *Part, e *entry) {
		st, _ := s.state(p, e, now)
		if e.action == order.Lift {
			c.Lifts[st]++
			return
		}
		c.Orders[st]++
		n, h, lifted := s.enforceable(e), int32(0), int32(0)
		if st == InForce || st == Pending {
			h = s.heldOf[e]
		}
		if st == InForce {
			lifted = s.liftedTargets(e, now)
		}
		c.Targets[st] += int(n - h - lifted)
		c.Targets[Lifted] += int(lifted)
		c.Targets[OnHold] += int(h)
		if st == InForce {
			c.NotDNS += int(e.others + e.names + e.addrs - n)
		}
	})
	return c
}

func (s *Set) each(f func(*Part, *entry)) {
	for _, p := range s.parts {
		for e := range p.entries.all() {
			f(p, e)
		}
	}
}

// NextChange returns the next time after now at which an order may start or end.
func (s *Set) NextChange(now order.Time) order.Time {
	next := Forever
	s.each(func(p *Part, e *entry) {
		_, t := s.state(p, e, now)
		next = min(next, t)
	})
	return next
}

// A Transition is a change of an order's state between two times.
type Transition struct {
	Order    *Order
	Lift     bool
	From, To State
	label    string
}

// Label returns a name for the order that all readers may see.
func (t Transition) Label() string { return t.label }

// Transitions returns the orders that have a different state at now than at then, in the
// sequence of the files.
func (s *Set) Transitions(then, now order.Time) (out []Transition) {
	var entries, lifts []*entry
	s.each(func(p *Part, e *entry) {
		a, _ := s.state(p, e, then)
		b, _ := s.state(p, e, now)
		if a == b {
			return
		}
		if e.action == order.Lift {
			lifts = append(lifts, e)
		}
		entries = append(entries, e)
		out = append(out, Transition{Order: &e.Order, Lift: e.action == order.Lift, From: a, To: b})
	})
	found := s.secrecies(lifts)
	for i, e := range entries {
		out[i].label = e.label(found[e])
	}
	return out
}

// BlockedAt returns the number of names and networks that the part's orders block at now,
// without regard to lifts. The store compares it with TargetsLost to detect a file that shrank.
func (p *Part) BlockedAt(now order.Time) int { return p.TargetsLost(&Part{}, now) }

// Label returns a name for the order that all readers may see, as in the log. It is the id or,
// for a sealed order, the Digest of the id, which blocklistctl list shows beside the id.
func (o *Order) Label() string {
	if o.Terms.Disclosure.Sealed() {
		return sealedLabel(o.ID)
	}
	return o.ID
}

func sealedLabel(id string) string { return "sealed:" + Digest(id) }

// Digest returns the public name of a sealed order: the first 12 hexadecimal digits of the
// SHA-256 of its id. A reader can verify a guess of the id, so the ids of sealed orders should
// be hard to guess.
func Digest(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:6])
}

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

// blocks reports whether the rules at a name or network include a target of a block order.
func blocks(rules []rule) bool {
	// Exceptions and lifts come before blocks.
	return len(rules) > 0 && rules[len(rules)-1].kind >= blockExact
}

// ivs returns the intervals of a schedule.
func (p *Part) ivs(sched uint32) []interval {
	s := p.schedules[sched]
	return p.intervals[s.off : s.off+s.n]
}

// Networks returns the number of addresses and networks with rules in p.
func (p *Part) Networks() (n int) {
	for range p.networks() {
		n++
	}
	return n
}

// TargetsLost returns the number of names and networks that p blocks at now and that are not
// targets of any block order of next, in any state. A target whose order ended by an until, a
// lift or a status is not lost, because it is still in the file.
func (p *Part) TargetsLost(next *Part, now order.Time) (n int) {
	return p.TargetsLostIn([]*Part{next}, now)
}

// TargetsLostIn returns the number of names and networks that p blocks at now and that are
// targets of block orders in none of the parts next.
func (p *Part) TargetsLostIn(next []*Part, now order.Time) (n int) {
	inForce := func(r rule) bool {
		on, _ := p.holds(r.sched, now)
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

// CountRefused returns the number of active block orders that prescribe REFUSED themselves.
func (p *Part) CountRefused() (n int) {
	for e := range p.entries.all() {
		if e.action == order.Block && e.status == order.Active && e.Terms.Response.Kind == order.Refused {
			n++
		}
	}
	return n
}
