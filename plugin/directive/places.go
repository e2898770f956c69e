package directive

import (
	"net/netip"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/gaissmai/bart"
)

// Places contains the networks of the property country and the country of the property home.
// Both give clients a country.
type Places struct {
	Nets bart.Table[order.Country] // from country CC CIDR...; the longest prefix decides
	Any  bool                      // Nets has at least one network
	Home order.Country             // empty if home is absent
}

// Empty reports whether the directive gives no client a country.
func (p *Places) Empty() bool { return !p.Any && p.Home == "" }

// Country returns the country of a client in the network where. The longest network in Nets
// that contains where decides first, then the country code that geoip returns, then Home.
// where may be the zero Prefix if the address is unknown. geoip may be nil if there is no
// geoip plugin. Country calls geoip only if Nets does not decide.
func (p *Places) Country(where netip.Prefix, geoip func() string) order.Country {
	if p.Any && where.IsValid() {
		if cc, ok := p.Nets.LookupPrefix(where); ok {
			return cc
		}
	}
	if geoip != nil {
		// A database may return EU for an address whose country it does not know. EU is not a
		// country of a client.
		if cc, ok := order.ParseCountry(geoip()); ok && cc != order.EU {
			return cc
		}
	}
	return p.Home
}
