package ruleset

import (
	"iter"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

// An OrderState is the state of an order at one time.
type OrderState struct {
	Order *Order
	Lift  bool
	State State
	// Until is the first time at which the state may change, or Forever if no change is known.
	Until order.Time
	// Targets is the number of targets that are enforced unless the guard holds them.
	Targets int
	// File is the path of the order's file.
	File string
}

// OrderStates yields the state of each order and lift of the set at now, in the sequence of the
// files.
func (s *Set) OrderStates(now order.Time) iter.Seq[OrderState] {
	return func(yield func(OrderState) bool) {
		for _, p := range s.parts {
			for e := range p.entries.all() {
				state, until := s.state(p, e, now)
				if !yield(OrderState{&e.Order, e.action == order.Lift, state, until, int(s.enforceable(e)), *e.file}) {
					return
				}
			}
		}
	}
}

// anyLabel is a label that orders almost certainly do not name.
const anyLabel = "blocklist--any"

// SetBelow makes q represent the names below n that no order names. If n is too long to have
// names below it, SetBelow sets q to n and returns false.
func (q *QName) SetBelow(n dname.Name) bool {
	q.Service = 0
	wire := string(rune(len(anyLabel))) + anyLabel + n.Wire()
	if len(wire) > dname.MaxWire {
		q.SetName(n)
		return false
	}
	q.SetWire([]byte(wire))
	return true
}
