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

type client struct {
	ruleset.Client
	subnet *dns.EDNS0_SUBNET
}

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
		// The geoip plugin may have used a forged client subnet. Do not use its result.
		label = func() string {
			if f := geoipLabel(b.geoip, where.Addr()); f != nil {
				return f()
			}
			return ""
		}
	}
	return b.places.Country(where, label)
}

const geoipCountry = "geoip/country/code"

func geoipLabel(geoip metadata.Provider, addr netip.Addr) metadata.Func {
	if geoip == nil {
		return nil
	}
	ctx := metadata.ContextWithMetadata(context.Background())
	geoip.Metadata(ctx, request.Request{W: at{addr: addr}, Req: new(dns.Msg)})
	return metadata.ValueFunc(ctx, geoipCountry)
}

type at struct {
	dns.ResponseWriter
	addr netip.Addr
}

// RemoteAddr implements dns.ResponseWriter.
func (a at) RemoteAddr() net.Addr { return net.UDPAddrFromAddrPort(netip.AddrPortFrom(a.addr, 0)) }

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

// A prefix length of 0 means that the network must not be used (RFC 7871, section 7.1.2).
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
