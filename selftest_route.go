package blocklist

import (
	"net"
	"net/netip"
	"strings"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin/pkg/transport"
	"github.com/dns-orders/blocklist/plugin/store"
	"github.com/miekg/dns"
)

type routes struct {
	store *store.Store
	all   []route
	only  string // the address of the only listener, for a port that the kernel has chosen
}

// A route is one address of a server block.
type route struct {
	cfg    *dnsserver.Config
	block  *block // nil without the directive
	listen string // equal for the server blocks that share a listener
	server string // the address to ask, or ""
}

// newRoutes returns the routes of a Corefile.
func newRoutes(blocks [][]*dnsserver.Config, s *store.Store, inst *caddy.Instance) *routes {
	r := &routes{store: s}
	if all := inst.Servers(); len(all) == 1 {
		if a, ok := all[0].LocalAddr().(*net.UDPAddr); ok {
			r.only = own(a.AddrPort())
		}
	}
	for _, keys := range blocks {
		for _, cfg := range keys {
			for _, host := range cfg.ListenHosts {
				x := route{cfg: cfg, block: blockOf(cfg), listen: cfg.Transport + "://" + net.JoinHostPort(host, cfg.Port)}
				if cfg.Transport == transport.DNS && cfg.ProxyProtoConnPolicy == nil {
					x.server = r.address(host, cfg.Port)
				}
				r.all = append(r.all, x)
			}
		}
	}
	return r
}

func (r *routes) address(host, port string) string {
	if port == "0" {
		return r.only
	}
	a, err := net.ResolveUDPAddr("udp", net.JoinHostPort(host, port))
	if err != nil {
		return ""
	}
	return own(a.AddrPort())
}

func own(a netip.AddrPort) string {
	addr := a.Addr().Unmap()
	if !addr.IsValid() || addr.IsUnspecified() {
		addr = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return netip.AddrPortFrom(addr, a.Port()).String()
}

// For a sealed name, the server block must not log queries. The plugins log and dnstap would show
// the name.
func (r *routes) find(fqdn string, sealed bool) (b *block, server, why string) {
	why = "no server block of these orders receives the queries for the name"
	for _, x := range r.all {
		if x.block == nil || x.block.loaded != r.store || !dns.IsSubDomain(x.cfg.Zone, fqdn) || r.hidden(x, fqdn) {
			continue
		}
		switch {
		case len(x.cfg.FilterFuncs) > 0 || r.filtered(x):
			why = "a view decides which server block answers"
		case sealed && (x.cfg.Handler("log") != nil || x.cfg.Handler("dnstap") != nil):
			why = "the order is sealed, and the plugin log or dnstap would show the name"
		case x.server == "":
			why = "the server has no listener for plain DNS without PROXY protocol on a known port"
		default:
			return x.block, x.server, ""
		}
	}
	return nil, "", why
}

func (r *routes) hidden(x route, fqdn string) bool {
	for _, y := range r.all {
		if y.listen == x.listen && dns.CountLabel(y.cfg.Zone) > dns.CountLabel(x.cfg.Zone) && dns.IsSubDomain(y.cfg.Zone, fqdn) {
			return true
		}
	}
	return false
}

func (r *routes) filtered(x route) bool {
	for _, y := range r.all {
		if y.listen == x.listen && y.cfg != x.cfg && strings.EqualFold(y.cfg.Zone, x.cfg.Zone) {
			return true
		}
	}
	return false
}
