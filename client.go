package blocklist

import (
	"context"
	"net/netip"

	"github.com/coredns/coredns/plugin/metadata"
	"github.com/coredns/coredns/request"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/gaissmai/bart"
	"github.com/miekg/dns"
)

// places says in which country clients are.
type places struct {
	nets bart.Table[order.Country] // country CC CIDR...; the longest prefix counts
	any  bool
	home order.Country
}

// client returns whom the query is judged for. It is asked for names that some
// order covers only, so passing queries do not pay for it.
func (b *block) client(ctx context.Context, set *ruleset.Set, state *request.Request) ruleset.Client {
	addr, err := netip.ParseAddr(state.IP())
	if err != nil {
		addr = netip.Addr{}
	}
	c := ruleset.Client{Addr: addr.Unmap().WithZone("")}
	if set.DependsOnCountry() {
		c.Country = b.country(ctx, state.Req, c.Addr)
	}
	return c
}

// country places a client: by the operator's networks, by the label of the geoip
// plugin, else at home.
func (b *block) country(ctx context.Context, r *dns.Msg, addr netip.Addr) order.Country {
	if b.places.any && addr.IsValid() {
		if cc, ok := b.places.nets.Lookup(addr); ok {
			return cc
		}
	}
	// With an EDNS client subnet the label may be about an address that the
	// client made up; anybody can send one.
	if f := metadata.ValueFunc(ctx, "geoip/country/code"); f != nil && !hasClientSubnet(r) {
		if cc, ok := order.ParseCountry(f()); ok {
			return cc
		}
	}
	return b.places.home
}

func hasClientSubnet(r *dns.Msg) bool {
	if o := r.IsEdns0(); o != nil {
		for _, opt := range o.Option {
			if opt.Option() == dns.EDNS0SUBNET {
				return true
			}
		}
	}
	return false
}
