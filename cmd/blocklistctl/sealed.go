package main

import (
	"cmp"
	"maps"
	"slices"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// disclosures returns how much each order may show if the flag --sealed is not set, by the id
// of the order. A lift (an order that ends other orders) without a disclosure of its own has
// the disclosure of the most secret order that it ends. A lift that ends no order or lists an
// unknown order is secret, because it may end a sealed order in another file. The log of the
// server has the same rules.
func disclosures(all []*order.Order) map[string]order.Disclosure {
	byID, byAuthority := map[string]order.Disclosure{}, map[order.Authority]*reached{}
	who := func(o *order.Order) order.Authority {
		return order.Authority{Name: o.Authority.Name, Country: o.Authority.Country}
	}
	for _, o := range all {
		if o.Lifting() {
			continue
		}
		byID[o.ID] = o.Disclosure
		if o.DecidedAt() == order.NoTime {
			continue
		}
		if byAuthority[who(o)] == nil {
			byAuthority[who(o)] = &reached{}
		}
		r := byAuthority[who(o)]
		r.orders = append(r.orders, o)
	}
	for _, r := range byAuthority {
		r.sort()
	}
	lifts := map[string]order.Disclosure{}
	for _, o := range all {
		if !o.Lifting() {
			continue
		}
		d, known := o.Disclosure, true
		switch {
		case o.Public:
		case len(o.Lifts) == 0:
			var most order.Disclosure
			most, known = byAuthority[who(o)].by(o)
			d = max(d, most)
		default:
			for _, id := range o.Lifts {
				most, ok := byID[id]
				d, known = max(d, most), known && ok
			}
		}
		if !known {
			d = order.None
		}
		lifts[o.ID] = d
	}
	maps.Copy(byID, lifts)
	return byID
}

// reached contains the orders of one authority, sorted by their decision times.
type reached struct {
	orders []*order.Order
	most   []order.Disclosure // for each order, the most secret disclosure of this order and all earlier orders
}

// inHistory compares two orders by the times at which they were decided.
func inHistory(a, b *order.Order) int {
	return cmp.Or(cmp.Compare(a.DecidedAt(), b.DecidedAt()), cmp.Compare(a.From, b.From))
}

// sort sorts the orders by decision time and sets the field most.
func (r *reached) sort() {
	slices.SortStableFunc(r.orders, inHistory)
	var most order.Disclosure
	for _, o := range r.orders {
		most = max(most, o.Disclosure)
		r.most = append(r.most, most)
	}
}

// by returns the most secret disclosure of the orders that the given lift ends. The lift
// contains no ids, so it ends all earlier orders of the authority. An order with the same time
// as the lift counts as earlier. any is false if there is no earlier order.
func (r *reached) by(lift *order.Order) (most order.Disclosure, any bool) {
	if r == nil {
		return 0, false
	}
	n, _ := slices.BinarySearchFunc(r.orders, lift, func(o, lift *order.Order) int {
		if inHistory(o, lift) > 0 {
			return 1
		}
		return -1
	})
	if n == 0 {
		return 0, false
	}
	return r.most[n-1], true
}

// sealedLabel returns the text that replaces the id of a sealed order (a secret order) in the
// log of the server.
func sealedLabel(id string) string { return "sealed:" + ruleset.Digest(id) }
