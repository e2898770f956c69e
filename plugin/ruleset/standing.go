package ruleset

import (
	"iter"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

// Standing is how an order stands at one moment.
type Standing struct {
	Order *Order
	Lift  bool
	State State
	// Until is the first moment at which the state may differ, Forever when
	// none is known.
	Until order.Time
	// Targets is the number of targets that DNS enforces when nothing holds them.
	Targets int
}

// Standings yields how every order and lift of the set stands at now, in the
// order of the files.
func (s *Set) Standings(now order.Time) iter.Seq[Standing] {
	return func(yield func(Standing) bool) {
		for _, p := range s.parts {
			for e := range p.entries.all() {
				state, until := s.state(p, e, now)
				if !yield(Standing{&e.Order, e.action == order.Lift, state, until, int(s.enforceable(e))}) {
					return
				}
			}
		}
	}
}

// anyLabel is a label that no order names, as far as one can tell.
const anyLabel = "blocklist--any"

// SetBelow makes q stand for the names below n that no order names. It reports
// false when n is so long that nothing fits below it; q is n itself then.
func (q *Asked) SetBelow(n dname.Name) bool {
	q.Service = 0
	wire := string(rune(len(anyLabel))) + anyLabel + n.Wire()
	if len(wire) > dname.MaxWire {
		q.SetName(n)
		return false
	}
	q.SetWire([]byte(wire))
	return true
}
