package main

import (
	"fmt"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

type dues map[string]missed

type missed struct{ overdue, late, atRisk bool }

func (l *orders) dues(now order.Time) dues {
	out := dues{}
	for d := range l.set.MissedDuties(now, ruleset.Forever) {
		m := out[d.Order.ID]
		m.overdue, m.late, m.atRisk = m.overdue || d.Overdue, m.late || d.Late, m.atRisk || d.AtRisk
		out[d.Order.ID] = m
	}
	return out
}

const (
	orderBeginsLate  = "the order begins after its deadline, by its from"
	targetBeginsLate = "a target begins after its deadline"
)

// If the order is late, the text is the reason. An ended or lifted order is not late.
func (d dues) lateText(o *order.Order, st ruleset.OrderState, held int) string {
	m := d[o.ID]
	served := o.Deadline != order.NoTime && o.Served != order.NoTime && o.Served >= o.Deadline
	switch {
	case served && st.State != ruleset.Ended && st.State != ruleset.Lifted:
		return "the order was served after its deadline"
	case m == missed{}:
		return ""
	case o.Deadline != order.NoTime && o.Begin() > o.Deadline:
		return orderBeginsLate
	case ruleset.BeginsLate(o):
		return targetBeginsLate
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

func (l *orders) lateOrders(now order.Time) order.Problems {
	states, held, dues := l.states(now), heldBy(l.set), l.dues(now)
	return l.warnLate(func(o *order.Order) string {
		text := dues.lateText(o, states[o.ID], len(held[o.ID]))
		if text == orderBeginsLate || text == targetBeginsLate {
			text += "; if the decision itself says this beginning, write the time of from as the deadline"
		}
		return text
	})
}

func someLifted(st ruleset.OrderState, now order.Time) int {
	if st.Lift || st.State != ruleset.InForce && st.State != ruleset.OnHold {
		return 0
	}
	return st.LiftedTargets(now)
}

type stay struct {
	Stayed int    `json:"stayed_targets,omitempty"`
	End    string `json:"stayed_until,omitempty"`
}

// Without --sealed, the end of a sealed lift is secret.
func (l *orders) stayOf(st ruleset.OrderState, sealed bool) (s stay) {
	if l.sealed && !sealed || st.Lift || st.State != ruleset.Lifted && st.State != ruleset.InForce && st.State != ruleset.OnHold {
		return s
	}
	if n, until := st.Stayed(); n > 0 {
		s = stay{n, until.String()}
	}
	return s
}

func liftedText(state string, lifted, all int, s stay, until string) string {
	text := ""
	switch {
	case lifted > 0:
		text = fmt.Sprintf("%d of %s, for all clients", lifted, count(all, "target"))
	case s.Stayed == 0 || state != ruleset.Lifted.String():
		return ""
	case s.Stayed == all:
		return "all targets, until " + until
	default:
		text = "all targets"
	}
	if s.Stayed > 0 {
		text += fmt.Sprintf("; %d of them until %s", s.Stayed, until)
	}
	return text
}

// states returns the state of each order by id.
func (l *orders) states(now order.Time) map[string]ruleset.OrderState {
	out := map[string]ruleset.OrderState{}
	for st := range l.set.OrderStates(now) {
		out[st.Order.ID] = st
	}
	return out
}

// The warning is about orders for countries. Only a Corefile shows whether the server knows a
// client's country.
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

func (l *orders) lateSince(before *orders, now order.Time) order.Problems {
	states, held, dues := l.states(now), heldBy(l.set), l.dues(now)
	return l.warnLate(func(o *order.Order) string {
		st := states[o.ID]
		if before.order(o.ID) != nil || o.Deadline == order.NoTime || o.Deadline > now || o.Status != order.Active ||
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

const needsCountry = "the server needs the country of clients: country or home in the Corefile, or the geoip and metadata plugins; --corefile FILE checks the Corefile"
