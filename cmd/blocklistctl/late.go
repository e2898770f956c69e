package main

import (
	"fmt"

	"github.com/dns-orders/blocklist/plugin/order"
)

// late returns why the operator cannot have had a block order in force at its deadline:
// the order was served after the deadline, or begins after the deadline. It is empty for
// other orders. When an order was written into its file is not known here: see lateSince.
func late(o *order.Order) string {
	switch {
	case o.Deadline == order.NoTime:
		return ""
	case o.Served != order.NoTime && o.Served >= o.Deadline:
		return "the order was served after its deadline"
	case o.From != order.NoTime && o.From > o.Deadline:
		return "the order begins after its deadline, by its from"
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
				problems = append(problems, order.Problem{File: f.Path, Line: o.Line, Column: o.Column, Order: o.ID, Field: "deadline",
					Msg: fmt.Sprintf("is %s: %s", endText(o.Deadline, l.zone(o.ID)), why), Warning: true, Sealed: o.Disclosure.Sealed()})
			}
		}
	}
	return problems
}
