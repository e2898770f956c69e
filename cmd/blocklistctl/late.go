package main

import (
	"fmt"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// late returns why the operator cannot have had an order in force at its deadline:
// the order was served after the deadline, or the order or one of its targets begins after
// the deadline. It is empty for
// other orders. When an order was written into its file is not known here: see lateSince.
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

// lateNow returns why an order is late at now: for one of the reasons of late, or because the
// deadline has passed and the order is not enforced in full. held is the number of targets
// that the guard holds.
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
			return fmt.Sprintf("%s in full: the guard holds %s", passed, count(held, "target"))
		}
	}
	return ""
}

// lateOrders returns a warning for each order that is late at now.
func (l *orders) lateOrders(now order.Time) order.Problems {
	standing, held := l.standings(now), heldBy(l.set)
	return l.warnLate(func(o *order.Order) string { return lateNow(o, standing[o.ID], len(held[o.ID]), now) })
}

// standings returns the state of each order at now, by id.
func (l *orders) standings(now order.Time) map[string]ruleset.OrderState {
	out := map[string]ruleset.OrderState{}
	for st := range l.set.OrderStates(now) {
		out[st.Order.ID] = st
	}
	return out
}

// countryOrders returns a warning for each order that is for countries. It is used when the
// server's Corefile is not known.
func (l *orders) countryOrders() (problems order.Problems) {
	for _, f := range l.files {
		for _, o := range f.Orders {
			if o.Scope != nil && len(o.Scope.Countries) > 0 {
				problems = append(problems, order.Problem{File: f.Path, Line: o.Line, Column: o.Column, Order: o.ID, Field: "scope.countries",
					Msg:     "the server must know the country of clients (country or home in the Corefile, or the geoip and metadata plugins); --corefile FILE checks that",
					Warning: true, Sealed: o.Disclosure.Sealed()})
			}
		}
	}
	return problems
}

// lateSince returns a warning for each active order that is in l and was not in before,
// and whose deadline has passed at now.
func (l *orders) lateSince(before *orders, now order.Time) order.Problems {
	return l.warnLate(func(o *order.Order) string {
		if _, was := before.places[o.ID]; was || o.Deadline == order.NoTime || o.Deadline > now || o.Status != order.Active || late(o) != "" {
			return ""
		}
		return "the order is new, and its deadline has passed"
	})
}

// warnLate returns a warning for each order for which late gives a reason.
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
