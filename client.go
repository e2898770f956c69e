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

// asker is whom a query is judged for.
type asker struct {
	ruleset.Client
	// subnet is the EDNS client subnet of a peer whose word is taken for it, nil
	// otherwise. Answers that depend on it say so.
	subnet *dns.EDNS0_SUBNET
}

// asker finds out who asks. It is called for names that orders may cover only, so
// passing queries do not pay for it.
func (b *block) asker(ctx context.Context, set *ruleset.Set, w dns.ResponseWriter, r *dns.Msg) (a asker) {
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

// address is the client's. CoreDNS gives it as a string, which takes several
// allocations to write and to read again; other writers than those of UDP and TCP
// may have nothing better.
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

// country places a client: by the operator's networks, by the label of the geoip
// plugin, else at home. With a subnet that is believed it places that instead of
// the peer that sent it.
func (b *block) country(ctx context.Context, a asker, hasSubnet bool) order.Country {
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
		// Of which address geoip told depends on its edns-subnet: of that which
		// anybody can make up, or of the peer that a subnet stands behind.
		label = func() string {
			if f := geoipLabel(b.geoip, where.Addr()); f != nil {
				return f()
			}
			return ""
		}
	}
	return b.places.Country(where, label)
}

// geoipCountry is the label of CoreDNS's geoip plugin.
const geoipCountry = "geoip/country/code"

// geoipLabel asks geoip about an address. It is nil when geoip is, or when its
// database does not tell countries.
func geoipLabel(geoip metadata.Provider, addr netip.Addr) metadata.Func {
	if geoip == nil {
		return nil
	}
	ctx := metadata.ContextWithMetadata(context.Background())
	geoip.Metadata(ctx, request.Request{W: at{addr: addr}, Req: new(dns.Msg)})
	return metadata.ValueFunc(ctx, geoipCountry)
}

// at is what geoip sees of a client that is at an address.
type at struct {
	dns.ResponseWriter
	addr netip.Addr
}

// RemoteAddr implements dns.ResponseWriter.
func (a at) RemoteAddr() net.Addr { return net.UDPAddrFromAddrPort(netip.AddrPortFrom(a.addr, 0)) }

// clientSubnet returns the query's EDNS client subnet, nil without one.
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

// network returns the network that a client subnet names. One of no bits names
// none: the client does not want to be placed by it (RFC 7871, section 7.1.2).
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
