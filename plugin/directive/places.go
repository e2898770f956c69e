package directive

import (
	"net/netip"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/gaissmai/bart"
)

// Places contains the properties country and home, which give a client a country.
type Places struct {
	Nets bart.Table[order.Country] // from the property country; the longest matching prefix wins
	Any  bool                      // true if Nets has at least one network
	Home order.Country             // from the property home; empty if there is none
}

// Empty reports whether the properties country and home are both missing.
func (p *Places) Empty() bool { return !p.Any && p.Home == "" }

// Country returns the country of a client. The parameter "where" is the network of the client, or
// the zero Prefix. Country tries Nets first. It then calls geoip, which may be nil. If both give no
// country, it returns Home.
func (p *Places) Country(where netip.Prefix, geoip func() string) order.Country {
	if p.Any && where.IsValid() {
		if cc, ok := p.Nets.LookupPrefix(where); ok {
			return cc
		}
	}
	if geoip != nil {
		// A GeoIP database may return EU for an address of an unknown country. EU is not a
		// country.
		if cc, ok := order.ParseCountry(geoip()); ok && cc != order.EU {
			return cc
		}
	}
	return p.Home
}
