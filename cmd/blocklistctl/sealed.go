package main

import (
	"maps"
	"slices"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// disclosures returns how much may be shown of an order without --sealed, by id. It omits
// orders with disclosure full, to save memory.
//
// A lift without its own disclosure is as secret as the orders that it ends. If it ends no
// order or lists an unknown id, it is secret. A sealed order may be in another file.
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

// shownUntil returns the time at which the state of an order may change. A sealed lift must
// not show when it begins or ends.
func (l *orders) shownUntil(st ruleset.OrderState, sealed bool) order.Time {
	if sealed || !l.sealed {
		return st.Until
	}
	return st.OwnUntil()
}

// shown returns problems for the output. It hides the problems that may reveal a sealed
// order, unless sealed is set. Files without sealed orders have nothing to hide.
func (l *orders) shown(ps order.Problems, sealed bool) order.Problems {
	if sealed || !l.sealed {
		return ps
	}
	disclosed := disclosures(l.all())
	out := make(order.Problems, len(ps))
	for i, p := range ps {
		if out[i] = p; p.Sealed || disclosed[p.Order].Sealed() {
			out[i] = p.Hidden()
		}
	}
	return out
}

// sealedLabel returns the label of a sealed (secret) order in the server's log.
func sealedLabel(id string) string { return ruleset.SealedLabel(id) }
