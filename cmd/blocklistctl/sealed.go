package main

import (
	"maps"
	"slices"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// disclosures returns, for each order id, how much of the order may be shown without the flag
// --sealed. The map has no orders with full disclosure, to save memory.
//
// A lift without its own disclosure is as secret as the orders that it ends. A lift that ends no
// order is secret. A lift with an unknown id is secret too, because the id may belong to a sealed
// order in another file.
func disclosures(all []*order.Order) map[string]order.Disclosure {
	byID := map[string]order.Disclosure{}
	var lifts []*order.Order
	named := map[string]bool{} // the ids in the field lifts of lifts; true if an order has the id
	for _, o := range all {
		if o.Lifting() {
			lifts = append(lifts, o)
			for _, id := range o.Lifts {
				named[id] = false
			}
		}
	}
	var orders [order.None + 1][]*order.Order // by disclosure
	for _, o := range all {
		if o.Lifting() {
			continue
		}
		// If an id occurs twice, the last order counts.
		if o.Disclosure != order.Full {
			byID[o.ID] = o.Disclosure
		} else if len(byID) > 0 {
			delete(byID, o.ID)
		}
		if len(lifts) > 0 {
			orders[o.Disclosure] = append(orders[o.Disclosure], o)
		}
		if len(named) > 0 {
			if _, ok := named[o.ID]; ok {
				named[o.ID] = true
			}
		}
	}
	if len(lifts) == 0 {
		return byID
	}
	secret, known := map[*order.Order]order.Disclosure{}, map[*order.Order]bool{}
	for d, orders := range orders {
		for l := range ruleset.Reached(lifts, orders) {
			secret[l], known[l] = order.Disclosure(d), true
		}
	}
	of := map[string]order.Disclosure{}
	for _, l := range lifts {
		switch {
		case l.Public:
			of[l.ID] = l.Disclosure
		case !known[l] || slices.ContainsFunc(l.Lifts, func(id string) bool { return !named[id] }):
			of[l.ID] = order.None
		default:
			of[l.ID] = max(l.Disclosure, secret[l])
		}
	}
	maps.Copy(byID, of)
	return byID
}

// sealedLabel returns the label of a sealed (secret) order in the server's log.
func sealedLabel(id string) string { return ruleset.SealedLabel(id) }
