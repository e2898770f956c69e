package main

import (
	"maps"
	"slices"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// disclosures returns by id how much of each order may be shown without --sealed. A lift
// without a disclosure of its own is as secret as the most secret order that it reaches, as in
// the server's log. If the lift reaches no order or names an order that is not there, the order
// may be a sealed order of another file, so the lift is secret.
func disclosures(all []*order.Order) map[string]order.Disclosure {
	byID := map[string]order.Disclosure{}
	var lifts []*order.Order
	var orders [order.None + 1][]*order.Order // by disclosure
	for _, o := range all {
		if o.Lifting() {
			lifts = append(lifts, o)
		} else {
			byID[o.ID] = o.Disclosure
			orders[o.Disclosure] = append(orders[o.Disclosure], o)
		}
	}
	secret, known := map[*order.Order]order.Disclosure{}, map[*order.Order]bool{}
	for d, orders := range orders {
		for l := range ruleset.Reached(lifts, orders) {
			secret[l], known[l] = order.Disclosure(d), true
		}
	}
	named := func(id string) bool { _, ok := byID[id]; return ok }
	of := map[string]order.Disclosure{}
	for _, l := range lifts {
		switch {
		case l.Public:
			of[l.ID] = l.Disclosure
		case !known[l] || slices.ContainsFunc(l.Lifts, func(id string) bool { return !named(id) }):
			of[l.ID] = order.None
		default:
			of[l.ID] = max(l.Disclosure, secret[l])
		}
	}
	maps.Copy(byID, of)
	return byID
}

// sealedLabel names a sealed order as the server's log does.
func sealedLabel(id string) string { return "sealed:" + ruleset.Digest(id) }
