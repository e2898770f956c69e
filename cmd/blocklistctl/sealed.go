package main

import (
	"maps"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// disclosures says by id how much of each order may be shown without --sealed. A
// lift tells of the orders that it reaches, so it is as secret as the most secret
// of them, unless it says itself that it is public. Places in history are left
// out of account: a lift that comes too early names the authority's targets too.
func disclosures(all []*order.Order) map[string]order.Disclosure {
	byID, byAuthority := map[string]order.Disclosure{}, map[order.Authority]order.Disclosure{}
	who := func(o *order.Order) order.Authority {
		return order.Authority{Name: o.Authority.Name, Country: o.Authority.Country}
	}
	for _, o := range all {
		if !o.Lifting() {
			byID[o.ID] = o.Disclosure
			byAuthority[who(o)] = max(byAuthority[who(o)], o.Disclosure)
		}
	}
	lifts := map[string]order.Disclosure{}
	for _, o := range all {
		if !o.Lifting() {
			continue
		}
		d := o.Disclosure
		switch {
		case o.Public:
		case len(o.Lifts) == 0:
			d = max(d, byAuthority[who(o)])
		default:
			for _, id := range o.Lifts {
				d = max(d, byID[id])
			}
		}
		lifts[o.ID] = d
	}
	maps.Copy(byID, lifts)
	return byID
}

// sealedLabel names a sealed order as the server's log does.
func sealedLabel(id string) string { return "sealed:" + ruleset.Digest(id) }
