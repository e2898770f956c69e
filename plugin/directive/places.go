package directive

import (
	"net/netip"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/gaissmai/bart"
)

// Places are the properties country and home, which give clients a country.
type Places struct {
	Nets bart.Table[order.Country] // country CC CIDR...; the longest prefix counts
	Any  bool                      // Nets has at least one network
	Home order.Country             // empty without home
}

// Empty reports whether the directive gives no client a country.
func (p *Places) Empty() bool { return !p.Any && p.Home == "" }

// Country returns the country of a client in the network where. The operator's longest
// network that contains where decides first, then the country code that geoip returns,
// then home. where may be the zero Prefix when no address is known, and geoip may be nil
// when there is no geoip plugin. Country calls geoip only when its word is needed.
func (p *Places) Country(where netip.Prefix, geoip func() string) order.Country {
	if p.Any && where.IsValid() {
		if cc, ok := p.Nets.LookupPrefix(where); ok {
			return cc
		}
	}
	if geoip != nil {
		// A database may say EU of an address that the database can place no better. EU
		// is no country of a client.
		if cc, ok := order.ParseCountry(geoip()); ok && cc != order.EU {
			return cc
		}
	}
	return p.Home
}
