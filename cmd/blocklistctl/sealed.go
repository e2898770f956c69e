package main

import (
	"cmp"
	"maps"
	"slices"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// disclosures returns the disclosure of each order without --sealed, by the id of the order. As in
// the log of the server, a lift without a disclosure of its own has the disclosure of the most
// secret order that it reaches. A lift that reaches no order, or that names an unknown order,
// is secret, because it may reach a sealed order in another file.
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

// reached contains the orders of one authority. sort sorts them by their decision times.
type reached struct {
	orders []*order.Order
	most   []order.Disclosure // for each order, the most secret disclosure up to that order
}

// inHistory compares the decision times of two orders.
func inHistory(a, b *order.Order) int {
	return cmp.Or(cmp.Compare(a.DecidedAt(), b.DecidedAt()), cmp.Compare(a.From, b.From))
}

// sort sorts the orders and sets most.
func (r *reached) sort() {
	slices.SortStableFunc(r.orders, inHistory)
	var most order.Disclosure
	for _, o := range r.orders {
		most = max(most, o.Disclosure)
		r.most = append(r.most, most)
	}
}

// by returns the most secret disclosure of the orders that a lift without ids reaches, and
// reports whether there is one. An order with the same time as the lift counts as reached.
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

// sealedLabel returns the name of a sealed order in the log of the server.
func sealedLabel(id string) string { return "sealed:" + ruleset.Digest(id) }
