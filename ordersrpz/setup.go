package ordersrpz

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/transfer"
	"github.com/dns-orders/blocklist"
	"github.com/miekg/dns"
)

func init() { plugin.Register(name, setup) }

// This function must start nothing, because CoreDNS also calls it for failed configurations.
func setup(c *caddy.Controller) error {
	b := &block{}
	for i := 0; c.Next(); i++ {
		if i > 0 {
			return plugin.Error(name, plugin.ErrOnce)
		}
		var err error
		if b.config, err = parse(c, dnsserver.GetConfig(c).Root); err != nil {
			return plugin.Error(name, err)
		}
	}
	inst := instanceOf(c)
	c.OnStartup(func() error {
		// The OnStartup functions of blocklist have run, because blocklist comes before orders_rpz
		// in CoreDNS's list of directives.
		opt, err := blocklist.StoreOptions(c, b.patterns)
		if err != nil {
			return plugin.Error(name, err)
		}
		blocklist.AfterFailedReload(c, inst.release)
		z, err := acquire(b.config, opt)
		if err != nil {
			return plugin.Error(name, err)
		}
		inst.add(z)
		b.zone = z
		cfg := dnsserver.GetConfig(c)
		if z.strangersGet(cfg) {
			return plugin.Error(name, fmt.Errorf("zone %s: every address can transfer the zone, which is a list of blocked names; "+
				"write addresses after 'to' in the plugin transfer, or add: tsig { secret NAME KEY; require AXFR IXFR }", b.origin))
		}
		t, _ := cfg.Handler("transfer").(*transfer.Transfer)
		if t == nil {
			log.Warningf("zone %s: no server can transfer the zone, because the server block has no plugin transfer", b.origin)
			return nil
		}
		inst.start(z, t.Notify)
		return nil
	})
	c.OnRestart(inst.restarting)
	c.OnRestartFailed(inst.restartFailed)
	c.OnShutdown(inst.shutdown)
	dnsserver.GetConfig(c).AddPlugin(func(next plugin.Handler) plugin.Handler {
		return &OrdersRPZ{Next: next, block: b}
	})
	return nil
}

// strangersGet reports whether any client can transfer the zone without TSIG. It sends requests
// from two unused addresses through the plugins that check clients.
func (z *zone) strangersGet(cfg *dnsserver.Config) bool {
	var first plugin.Handler
	for _, p := range []string{"transfer", "acl", "tsig"} {
		if h := cfg.Handler(p); h != nil {
			first = h
		}
	}
	if first == nil {
		return false
	}
	z.strangers.Store(true)
	defer z.strangers.Store(false)
	z.asked.Store(false)
	for _, origin := range z.origins() {
		for _, addr := range []string{"198.51.100.254", "2001:db8:ffff::fffe"} { // RFC 5737, RFC 3849
			for _, r := range []*dns.Msg{new(dns.Msg).SetAxfr(origin), new(dns.Msg).SetIxfr(origin, 1, ".", ".")} {
				_, _ = first.ServeDNS(context.Background(), &stranger{net.ParseIP(addr)}, r)
			}
		}
	}
	return z.asked.Load()
}

type stranger struct{ ip net.IP }

var errStranger = errors.New("orders_rpz: nobody reads the answer")

func (s *stranger) LocalAddr() net.Addr         { return &net.TCPAddr{IP: s.ip, Port: 53} }
func (s *stranger) RemoteAddr() net.Addr        { return &net.TCPAddr{IP: s.ip, Port: 50000} }
func (s *stranger) WriteMsg(*dns.Msg) error     { return nil }
func (s *stranger) Write(b []byte) (int, error) { return 0, errStranger }
func (s *stranger) Close() error                { return nil }
func (s *stranger) TsigStatus() error           { return nil }
func (s *stranger) TsigTimersOnly(bool)         {}
func (s *stranger) Hijack()                     {}
func (s *stranger) Network() string             { return "tcp" }
