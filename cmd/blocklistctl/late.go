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

// lateOrders returns a warning for each order that is late.
func (l *orders) lateOrders() order.Problems { return l.warnLate(late) }

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
