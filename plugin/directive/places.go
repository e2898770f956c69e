package directive

import (
	"net/netip"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/gaissmai/bart"
)

// Places contains the settings that give a client a country: the networks of the property
// country, and the country of the property home.
type Places struct {
	Nets bart.Table[order.Country] // from the property country; the longest matching prefix decides
	Any  bool                      // true if Nets has at least one network
	Home order.Country             // from the property home; empty if there is none
}

// Empty reports whether the directive has neither the property country nor the property home.
func (p *Places) Empty() bool { return !p.Any && p.Home == "" }

// Country returns the country of a client. where is the network of the client; it may be the
// zero Prefix if the address is unknown. The longest network in Nets that contains where
// decides. If there is none, the country code that geoip returns decides, and Home decides
// last. geoip is called only if it is needed, and may be nil if there is no geoip plugin.
func (p *Places) Country(where netip.Prefix, geoip func() string) order.Country {
	if p.Any && where.IsValid() {
		if cc, ok := p.Nets.LookupPrefix(where); ok {
			return cc
		}
	}
	if geoip != nil {
		// A GeoIP database may return EU if it does not know the country of an address. EU is
		// not a country, so it is ignored.
		if cc, ok := order.ParseCountry(geoip()); ok && cc != order.EU {
			return cc
		}
	}
	return p.Home
}
