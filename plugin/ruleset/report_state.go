package ruleset

import (
	"iter"

	"github.com/dns-orders/blocklist/plugin/order"
)

// A State is the state of an order at one time.
type State uint8

// The states of an order.
const (
	InForce State = iota
	Pending       // the order will come into force
	Ended         // the order's until or its last window has passed
	Lifted        // all targets are lifted for all clients, now or for all remaining times of the order
	OnHold        // the order is active and has not ended, but each target that is not lifted is held (see Set.Held)
	Suspended
	Shadow
	Draft
	NumStates
)

func (s State) String() string {
	return [...]string{"in_force", "pending", "ended", "lifted", "held", "suspended", "shadow", "draft"}[s]
}

func (s *Set) state(p *Part, e *entry, now order.Time) (State, order.Time) {
	switch e.status {
	case order.Suspended:
		return Suspended, Forever
	case order.Shadow:
		return Shadow, Forever
	case order.Draft:
		return Draft, Forever
	}
	on, next := p.inForceAt(e.sched, now)
	if !on && next == Forever {
		return Ended, next
	}
	lifts := spell{until: Forever}
	if e.action == order.Block {
		times := s.liftedTimes(e)
		if p.withdrawn(e, times, now) {
			return Lifted, p.over(e.sched)
		}
		lifts = spellAt(times, now)
	}
	if !on {
		if s.heldBack(e) {
			return OnHold, next
		}
		return Pending, next
	}
	next = min(next, lifts.until)
	if lifts.on {
		return Lifted, next
	}
	if s.heldBack(e) {
		return OnHold, next
	}
	if held := s.heldOf[e]; held > 0 && e.action == order.Block {
		lifted, until := s.liftedTargets(e, now)
		next = min(next, until)
		if held+lifted == s.enforceable(e) {
			return OnHold, next
		}
	}
	return InForce, next
}

// NextChange returns the next time after now at which an order may start or end.
func (s *Set) NextChange(now order.Time) order.Time {
	next := Forever
	for p, e := range s.all() {
		_, t := s.state(p, e, now)
		next = min(next, t)
	}
	return next
}

// A Transition is a change of an order's state between two times.
type Transition struct {
	Order    *Order
	Lift     bool
	From, To State
	label    string
}

// Label returns the id of the order, or a neutral text for a secret order. Any person may read the
// label.
func (t Transition) Label() string { return t.label }

// Transitions compares the states of the orders at two times. It returns the orders with different
// states, in the sequence of the files.
func (s *Set) Transitions(then, now order.Time) (out []Transition) {
	var entries []*entry
	for p, e := range s.all() {
		a, _ := s.state(p, e, then)
		b, _ := s.state(p, e, now)
		if a == b {
			continue
		}
		entries = append(entries, e)
		out = append(out, Transition{Order: &e.Order, Lift: e.action == order.Lift, From: a, To: b})
	}
	for i, label := range s.labels(entries) {
		out[i].label = label
	}
	return out
}

// An OrderState is the state of an order at one time.
type OrderState struct {
	Order *Order
	Lift  bool
	State State
	// The first time at which the state may change. Forever means no change.
	Until   order.Time
	Targets int
	// File is the path of the order's file.
	File          string
	Names, Others int

	set   *Set
	part  *Part
	entry *entry
	now   order.Time
}

// OwnUntil returns Until if it is one of the order's own dates. Otherwise the result is Forever,
// because the time of a lift may be secret.
func (o OrderState) OwnUntil() order.Time {
	for _, iv := range o.part.ivs(o.entry.sched) {
		if o.Until == iv.from || o.Until == iv.until {
			return o.Until
		}
	}
	return Forever
}

// EnforcedAt reports whether the status and the dates of the order allow enforcement at a time.
// Orders in shadow count as active. Lifts and the guard do not matter.
func (o OrderState) EnforcedAt(at order.Time) bool {
	on, _ := o.part.inForceAt(o.entry.sched, at)
	return on
}

// WasInForce reports whether the order was in force at any time since a given time. It assumes that
// the order always had its present status.
func (o OrderState) WasInForce(from order.Time) bool {
	for t := from; t <= o.now; {
		state, next := o.set.state(o.part, o.entry, t)
		if state == InForce {
			return true
		}
		t = next
	}
	return false
}

// OrderStates yields the state of each order and lift of the set, in the sequence of the files.
func (s *Set) OrderStates(now order.Time) iter.Seq[OrderState] {
	return func(yield func(OrderState) bool) {
		for p, e := range s.all() {
			state, until := s.state(p, e, now)
			if !yield(OrderState{&e.Order, e.action == order.Lift, state, until, int(s.enforceable(e)), *e.file, int(e.names), int(e.addrs + e.others), s, p, e, now}) {
				return
			}
		}
	}
}
