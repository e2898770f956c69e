package main

import (
	"fmt"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// late returns why an order cannot have been in force at its deadline. Either the order was
// served after its deadline, or the order or a target of the order begins after the deadline.
// For other orders late returns "". It does not know when the order was added to its file (see
// lateSince).
func late(o *order.Order) string {
	switch {
	case o.Deadline != order.NoTime && o.Served != order.NoTime && o.Served >= o.Deadline:
		return "the order was served after its deadline"
	case o.Deadline != order.NoTime && o.From != order.NoTime && o.From > o.Deadline:
		return "the order begins after its deadline, by its from"
	case ruleset.BeginsLate(o):
		return "a target begins after its deadline"
	}
	return ""
}

// lateNow returns why an order is late at the time now. If late returns a reason, lateNow
// returns the same reason. Otherwise the order is late if its deadline has passed and the
// order is not enforced completely. For other orders lateNow returns "". held is the number of
// targets that the guard holds back, so that they are not enforced.
func lateNow(o *order.Order, st ruleset.OrderState, held int, now order.Time) string {
	if why := late(o); why != "" || o.Deadline == order.NoTime || o.Deadline > now {
		return why
	}
	const passed = "the deadline has passed and the order is not enforced"
	switch st.State {
	case ruleset.OnHold, ruleset.Suspended, ruleset.Shadow, ruleset.Draft:
		return fmt.Sprintf("%s: %s", passed, st.State)
	case ruleset.InForce:
		if held > 0 {
			return fmt.Sprintf("%s completely: the guard holds %s", passed, count(held, "target"))
		}
	}
	return ""
}

// lateOrders returns a warning for each order that is late at the time now.
func (l *orders) lateOrders(now order.Time) order.Problems {
	states, held := l.states(now), heldBy(l.set)
	return l.warnLate(func(o *order.Order) string { return lateNow(o, states[o.ID], len(held[o.ID]), now) })
}

// states returns the state of each order at the time now. The keys are the ids of the orders.
func (l *orders) states(now order.Time) map[string]ruleset.OrderState {
	out := map[string]ruleset.OrderState{}
	for st := range l.set.OrderStates(now) {
		out[st.Order.ID] = st
	}
	return out
}

// countryOrders returns a warning for each order with countries in its scope. The command
// check gives these warnings if the Corefile of the server is unknown.
func (l *orders) countryOrders() (problems order.Problems) {
	for _, f := range l.files {
		for _, o := range f.Orders {
			if o.Scope != nil && len(o.Scope.Countries) > 0 {
				problems = append(problems, order.Problem{File: f.Path, Line: o.Line, Column: o.Column, Order: o.ID, Field: "scope.countries",
					Msg:     "the server needs the country of clients: country or home in the Corefile, or the geoip and metadata plugins; --corefile FILE checks the Corefile",
					Warning: true, Sealed: o.Disclosure.Sealed()})
			}
		}
	}
	return problems
}

// lateSince returns a warning for each active order that is in l but not in before, if the
// deadline of the order has passed at the time now.
func (l *orders) lateSince(before *orders, now order.Time) order.Problems {
	return l.warnLate(func(o *order.Order) string {
		if _, was := before.positions[o.ID]; was || o.Deadline == order.NoTime || o.Deadline > now || o.Status != order.Active || late(o) != "" {
			return ""
		}
		return "the order is new, and its deadline has passed"
	})
}

// warnLate returns a warning for each order for which the function late returns a reason.
func (l *orders) warnLate(late func(*order.Order) string) (problems order.Problems) {
	for _, f := range l.files {
		for _, o := range f.Orders {
			if why := late(o); why != "" {
				msg := why
				if o.Deadline != order.NoTime {
					msg = fmt.Sprintf("is %s: %s", endText(o.Deadline, l.zone(o.ID)), why)
				}
				problems = append(problems, order.Problem{File: f.Path, Line: o.Line, Column: o.Column, Order: o.ID, Field: "deadline",
					Msg: msg, Warning: true, Sealed: o.Disclosure.Sealed()})
			}
		}
	}
	return problems
}
