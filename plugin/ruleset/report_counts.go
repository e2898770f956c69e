package ruleset

import "github.com/dns-orders/blocklist/plugin/order"

// A Counts contains the numbers of orders and targets in each state.
type Counts struct {
	Orders, Lifts [NumStates]int
	// Targets counts the targets of block orders that DNS can enforce. Held targets count as
	// OnHold, and lifted targets count as Lifted.
	Targets [NumStates]int
	NotDNS  int
}

// Counts returns the numbers of orders and targets in each state at the time now.
func (s *Set) Counts(now order.Time) (c Counts) {
	for p, e := range s.all() {
		st, _ := s.state(p, e, now)
		if e.action == order.Lift {
			c.Lifts[st]++
			continue
		}
		c.Orders[st]++
		n, h, lifted := s.enforceable(e), int32(0), int32(0)
		if st == InForce || st == Pending {
			h = s.heldOf[e]
		}
		if st == InForce || st == OnHold && !s.heldBack(e) {
			lifted, _ = s.liftedTargets(e, now)
		}
		c.Targets[st] += int(n - h - lifted)
		c.Targets[Lifted] += int(lifted)
		c.Targets[OnHold] += int(h)
		if st == InForce {
			c.NotDNS += int(e.others + e.names + e.addrs - n)
		}
	}
	return c
}
