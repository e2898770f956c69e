package main

import (
	"fmt"

	"github.com/dns-orders/blocklist/plugin/order"
)

// late returns why the operator cannot have had a block order in force at its deadline:
// the order was served after the deadline, or begins after the deadline. It is empty for
// other orders. When an order was written into its file is not known here.
func late(o *order.Order) string {
	switch {
	case o.Deadline == order.NoTime:
		return ""
	case o.Served != order.NoTime && o.Served >= o.Deadline:
		return "the order was served after its deadline"
	case o.From != order.NoTime && o.From >= o.Deadline:
		return "the order begins after its deadline, by its from"
	}
	return ""
}

// lateOrders returns a warning for each order that is late.
func (l *orders) lateOrders() (problems order.Problems) {
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
