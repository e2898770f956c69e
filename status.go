package blocklist

import (
	"fmt"
	"net"
	"net/netip"
	"runtime/debug"
	"strings"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/dns-orders/blocklist/plugin/directive"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/status"
	"github.com/dns-orders/blocklist/plugin/status/listen"
)

type statusClaim struct {
	directive.Status
	at string // the file and line of the directive
}

func claimStatus(claims *map[string]statusClaim, s directive.Status, at string) error {
	if s.Address == "" {
		return nil
	}
	if *claims == nil {
		*claims = map[string]statusClaim{}
	}
	if other, ok := (*claims)[s.Address]; ok && other.Status != s {
		return fmt.Errorf("%s: status %s: the directive at %s uses the same address with another web configuration", at, s.Address, other.at)
	}
	(*claims)[s.Address] = statusClaim{s, at}
	return nil
}

func (i *instance) listen(s directive.Status) error {
	if s.Address == "" || i.ports[s.Address] != nil {
		return nil
	}
	u, err := listen.Listen(s.Address, s.WebConfig, func(err error) { log.Errorf("status %s: %s", s.Address, printable.Line(err.Error())) })
	if err != nil {
		return fmt.Errorf("status %s: %w", s.Address, err)
	}
	loaded.Lock()
	defer loaded.Unlock()
	if i.ports == nil {
		i.ports = map[string]*listen.Use{}
	}
	i.ports[s.Address] = u
	if a, ok := u.Addr().(*net.TCPAddr); ok && s.WebConfig == "" && !a.IP.IsLoopback() {
		log.Warningf("status %s: there is no web configuration with passwords, so each client that reaches this address can read the orders", s.Address)
	}
	return nil
}

func (i *instance) serve(n *status.Node) {
	h := status.Handler(n)
	for address, u := range i.ports {
		u.Serve(h)
		log.Infof("status %s: shows the status of this process", address)
	}
}

func newNode(blocks [][]*dnsserver.Config) *status.Node {
	n := &status.Node{Version: version(), Bug: func(stack []byte) {
		for line := range strings.Lines(string(stack)) {
			log.Errorf("status: a request panicked: %s", printable.Line(strings.TrimSpace(line)))
		}
	}}
	for _, keys := range blocks {
		x := status.Block{Name: blockName(keys)}
		for _, cfg := range keys {
			x.Zones = append(x.Zones, cfg.Zone)
		}
		if b := blockOf(keys[0]); b != nil {
			x.Store, x.Hits, x.Country = b.loaded, b.hits, b.countryOf
			x.Directive = &directive.Block{Addresses: []string{x.Name}, Config: b.directive, GeoIP: b.geoip != nil,
				View: keys[0].ViewName != "", Rewrite: keys[0].Handler("rewrite") != nil}
		}
		n.Blocks = append(n.Blocks, x)
	}
	return n
}

func (b *block) countryOf(addr netip.Addr) order.Country {
	where := netip.Prefix{}
	if addr.IsValid() {
		where = netip.PrefixFrom(addr, addr.BitLen())
	}
	return b.places.Country(where, func() string {
		if f := geoipLabel(b.geoip, addr); f != nil && addr.IsValid() {
			return f()
		}
		return ""
	})
}

func version() string {
	const unknown = "(devel)"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return unknown
	}
	const module = "github.com/dns-orders/blocklist"
	if info.Main.Path == module {
		return info.Main.Version
	}
	for _, d := range info.Deps {
		if d.Path == module {
			return d.Version
		}
	}
	return unknown
}
