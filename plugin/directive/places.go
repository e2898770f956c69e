package directive

import (
	"net/netip"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/gaissmai/bart"
)

// Places finds the countries of clients. It contains the properties country and home.
type Places struct {
	Nets bart.Table[order.Country] // from the property country; the longest matching prefix wins
	Any  bool                      // true if Nets has at least one network
	Home order.Country             // from the property home; empty if there is none
}

// Empty reports whether p has no countries.
func (p *Places) Empty() bool { return !p.Any && p.Home == "" }

// Country returns the country of a client with an address in the given network. It tries Nets, then
// the geoip function, then Home. The geoip function may be nil.
func (p *Places) Country(where netip.Prefix, geoip func() string) order.Country {
	if p.Any && where.IsValid() {
		if cc, ok := p.Nets.LookupPrefix(where); ok {
			return cc
		}
	}
	if geoip != nil {
		// A GeoIP database may return EU for an unknown country.
		if cc, ok := order.ParseCountry(geoip()); ok && cc != order.EU {
			return cc
		}
	}
	return p.Home
}
