package main

import (
	"fmt"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// late returns a reason why the order misses its deadline according to the dates in the file, or
// "". For example, the order begins after its deadline.
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

// lateNow returns a reason why the order has missed its deadline at the time now, or "". After the
// deadline, an order is late if it is on hold, suspended, in shadow or a draft. An order in force
// is late if some of its targets are held back.
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

// states returns the state of each order by id.
func (l *orders) states(now order.Time) map[string]ruleset.OrderState {
	out := map[string]ruleset.OrderState{}
	for st := range l.set.OrderStates(now) {
		out[st.Order.ID] = st
	}
	return out
}

// countryOrders returns a warning for each order whose scope has countries. Without the Corefile,
// the command check cannot find out whether the server knows the country of a client.
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

// lateSince returns a warning for each active order that is not in the set "before" and whose
// deadline has passed.
func (l *orders) lateSince(before *orders, now order.Time) order.Problems {
	return l.warnLate(func(o *order.Order) string {
		if before.order(o.ID) != nil || o.Deadline == order.NoTime || o.Deadline > now || o.Status != order.Active || late(o) != "" {
			return ""
		}
		return "the order is new, and its deadline has passed"
	})
}

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
