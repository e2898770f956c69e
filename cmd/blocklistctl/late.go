package main

import (
	"fmt"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// A dues maps order ids to missed deadlines at one time.
type dues map[string]missed

// missed contains the ways in which an order or some of its targets miss a deadline.
type missed struct{ overdue, late, atRisk bool }

// dues returns the missed deadlines. The command due and the server count them in the same way.
func (l *orders) dues(now order.Time) dues {
	out := dues{}
	for d := range l.set.MissedDuties(now, ruleset.Forever) {
		m := out[d.Order.ID]
		m.overdue, m.late, m.atRisk = m.overdue || d.Overdue, m.late || d.Late, m.atRisk || d.AtRisk
		out[d.Order.ID] = m
	}
	return out
}

// lateText returns why an order is late, or "". There are three reasons: the order was served after
// its deadline, it begins after its deadline, or it is still not enforced after its deadline. An
// order that has ended or was lifted is not late.
func (d dues) lateText(o *order.Order, st ruleset.OrderState, held int) string {
	m := d[o.ID]
	served := o.Deadline != order.NoTime && o.Served != order.NoTime && o.Served >= o.Deadline
	switch {
	case served && st.State != ruleset.Ended && st.State != ruleset.Lifted:
		return "the order was served after its deadline"
	case m == missed{}:
		return ""
	case o.Due() != order.NoTime && o.Begin() > o.Due():
		return "the order begins after its deadline, by its from"
	case ruleset.BeginsLate(o):
		return "a target begins after its deadline"
	case !m.overdue:
		return ""
	}
	const passed = "the deadline has passed and the order is not enforced"
	switch {
	case st.State == ruleset.InForce && held > 0:
		return fmt.Sprintf("%s completely: the guard holds %s", passed, count(held, "target"))
	case st.State == ruleset.InForce:
		return passed + " completely"
	}
	return fmt.Sprintf("%s: %s", passed, st.State)
}

// lateOrders returns a warning for each order that is late at the time now.
func (l *orders) lateOrders(now order.Time) order.Problems {
	states, held, dues := l.states(now), heldBy(l.set), l.dues(now)
	return l.warnLate(func(o *order.Order) string { return dues.lateText(o, states[o.ID], len(held[o.ID])) })
}

// someLifted returns how many targets of an order lifts end, if the order is in force or
// held.
func someLifted(st ruleset.OrderState, now order.Time) int {
	if st.Lift || st.State != ruleset.InForce && st.State != ruleset.OnHold {
		return 0
	}
	return st.LiftedTargets(now)
}

// liftedText returns words for a number of lifted targets.
func liftedText(lifted, all int) string {
	return fmt.Sprintf("%d of %s, for all clients", lifted, count(all, "target"))
}

// states returns the state of each order by id.
func (l *orders) states(now order.Time) map[string]ruleset.OrderState {
	out := map[string]ruleset.OrderState{}
	for st := range l.set.OrderStates(now) {
		out[st.Order.ID] = st
	}
	return out
}

// countryOrders returns a warning for each order that is for countries. It is used without a
// Corefile, because the tool then cannot check whether the server knows the country of a client.
func (l *orders) countryOrders() (problems order.Problems) {
	for _, f := range l.files {
		for _, o := range f.Orders {
			if o.Scope != nil && len(o.Scope.Countries) > 0 {
				problems = append(problems, order.Problem{File: f.Path, Line: o.Line, Column: o.Column, Order: o.ID, Field: "scope.countries",
					Msg:     needsCountry,
					Warning: true, Sealed: o.Disclosure.Sealed()})
			}
		}
	}
	return problems
}

// lateSince returns a warning for each new active order whose deadline has already passed. An order
// is new if it is not in "before".
func (l *orders) lateSince(before *orders, now order.Time) order.Problems {
	states, held, dues := l.states(now), heldBy(l.set), l.dues(now)
	return l.warnLate(func(o *order.Order) string {
		st := states[o.ID]
		if before.order(o.ID) != nil || o.Due() == order.NoTime || o.Due() > now || o.Status != order.Active ||
			st.State == ruleset.Ended || st.State == ruleset.Lifted || dues.lateText(o, st, len(held[o.ID])) != "" {
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

// needsCountry is the warning about an order for a country if there is no Corefile.
const needsCountry = "the server needs the country of clients: country or home in the Corefile, or the geoip and metadata plugins; --corefile FILE checks the Corefile"
