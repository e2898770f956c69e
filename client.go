package blocklist

import (
	"context"
	"net"
	"net/netip"

	"github.com/coredns/coredns/plugin/metadata"
	"github.com/coredns/coredns/request"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/miekg/dns"
)

// A client is the client for which the plugin decides about a query.
type client struct {
	ruleset.Client
	// subnet is the EDNS client subnet of the query, if the peer is trusted to send one, else
	// nil. An answer that depends on the subnet returns it.
	subnet *dns.EDNS0_SUBNET
}

// clientOf returns the client of a query. It is called only for names that orders may cover, so
// that other queries do not pay for it.
func (b *block) clientOf(ctx context.Context, set *ruleset.Set, w dns.ResponseWriter, r *dns.Msg) (a client) {
	a.Addr = address(w)
	if !set.DependsOnCountry() {
		return a
	}
	subnet := clientSubnet(r)
	if subnet != nil && b.ecsFrom.Contains(a.Addr) {
		a.subnet = subnet
	}
	a.Country = b.country(ctx, a, subnet != nil)
	return a
}

// address returns the address of the client. It reads the net.Addr of UDP and TCP writers
// directly, because CoreDNS's string form needs several allocations. For other writers it
// parses the string form.
func address(w dns.ResponseWriter) netip.Addr {
	var ip net.IP
	switch a := w.RemoteAddr().(type) {
	case *net.UDPAddr:
		ip = a.IP
	case *net.TCPAddr:
		ip = a.IP
	default:
		state := request.Request{W: w}
		addr, _ := netip.ParseAddr(state.IP())
		return addr.Unmap().WithZone("")
	}
	addr, _ := netip.AddrFromSlice(ip)
	return addr.Unmap()
}

// country returns the country of the client. It is the country of the operator's network that
// contains the client, else the country from the geoip plugin, else the home country. If the
// query has a trusted subnet, the subnet decides instead of the peer's address.
func (b *block) country(ctx context.Context, a client, hasSubnet bool) order.Country {
	where := netip.Prefix{}
	if a.Addr.IsValid() {
		where = netip.PrefixFrom(a.Addr, a.Addr.BitLen())
	}
	believed, ok := network(a.subnet)
	if ok {
		where = believed
	}
	label := metadata.ValueFunc(ctx, geoipCountry)
	if hasSubnet && label != nil && (b.geoip != nil || !ok) {
		// The geoip plugin may have used another address, depending on its option edns-subnet.
		// Without a trusted subnet it may have used a subnet that the client made up. With a
		// trusted subnet it may have used the peer's address. So geoip is asked again.
		label = func() string {
			if f := geoipLabel(b.geoip, where.Addr()); f != nil {
				return f()
			}
			return ""
		}
	}
	return b.places.Country(where, label)
}

// geoipCountry is the metadata label for the country in CoreDNS's geoip plugin.
const geoipCountry = "geoip/country/code"

// geoipLabel returns the country label that geoip computes for an address. It returns nil when
// geoip is nil or its database has no countries.
func geoipLabel(geoip metadata.Provider, addr netip.Addr) metadata.Func {
	if geoip == nil {
		return nil
	}
	ctx := metadata.ContextWithMetadata(context.Background())
	geoip.Metadata(ctx, request.Request{W: at{addr: addr}, Req: new(dns.Msg)})
	return metadata.ValueFunc(ctx, geoipCountry)
}

// An at is a response writer for a client at an address. geoip reads the address from it.
type at struct {
	dns.ResponseWriter
	addr netip.Addr
}

// RemoteAddr implements dns.ResponseWriter.
func (a at) RemoteAddr() net.Addr { return net.UDPAddrFromAddrPort(netip.AddrPortFrom(a.addr, 0)) }

// clientSubnet returns the EDNS client subnet of the query, or nil when there is none.
func clientSubnet(r *dns.Msg) *dns.EDNS0_SUBNET {
	if o := r.IsEdns0(); o != nil {
		for _, opt := range o.Option {
			if s, ok := opt.(*dns.EDNS0_SUBNET); ok {
				return s
			}
		}
	}
	return nil
}

// network returns the network of a client subnet. A prefix length of 0 is no network: the
// client does not want its network to be used (RFC 7871, section 7.1.2).
func network(s *dns.EDNS0_SUBNET) (netip.Prefix, bool) {
	if s == nil {
		return netip.Prefix{}, false
	}
	addr, ok := netip.AddrFromSlice(s.Address)
	bits := int(s.SourceNetmask)
	if s.Family == 2 && addr.Is4In6() {
		bits -= 96
	}
	p, err := addr.Unmap().Prefix(bits)
	return p, ok && err == nil && bits > 0
}
