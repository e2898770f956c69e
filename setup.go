package blocklist

import (
	"fmt"
	"net/netip"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/metadata"
	clog "github.com/coredns/coredns/plugin/pkg/log"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/store"
)

var log = clog.NewWithPlugin(name)

func init() { plugin.Register(name, setup) }

// The function starts nothing, because CoreDNS also calls it for failed configurations.
func setup(c *caddy.Controller) error {
	root := dnsserver.GetConfig(c).Root
	b := &block{zones: plugin.OriginsFromArgsOrServerBlock(nil, c.ServerBlockKeys)}
	at := ""
	for i := 0; c.Next(); i++ {
		if i > 0 {
			return plugin.Error(name, plugin.ErrOnce)
		}
		at = fmt.Sprintf("%s:%d", c.File(), c.Line())
		if err := parse(c, root, &b.config); err != nil {
			return plugin.Error(name, err)
		}
	}

	inst := instanceOf(c)
	if err := claimState(&inst.claims, b.store, at); err != nil {
		return plugin.Error(name, err)
	}
	if reloading() {
		if err := store.Check(b.store, log); err != nil {
			return plugin.Error(name, err)
		}
	}

	if err := claimStatus(&inst.statuses, b.status, at); err != nil {
		return plugin.Error(name, err)
	}

	inst.directives++
	c.OnStartup(func() error {
		b.place(dnsserver.GetConfig(c))
		if err := claimState(&inst.starts, b.store, at); err != nil {
			return plugin.Error(name, err)
		}
		AfterFailedReload(c, func() { inst.release() })
		s, err := inst.acquire(b.store)
		if err != nil {
			return plugin.Error(name, err)
		}
		b.set, b.now, b.loaded = s.Set, s.Now, s
		b.hits = inst.count(blockName(serverBlocks(c)[c.ServerBlockIndex]))
		s.CountHits(b.hits)
		if err := inst.listen(b.status); err != nil {
			// CoreDNS does not start this configuration.
			inst.release()
			return plugin.Error(name, err)
		}
		for _, w := range b.warnings(dnsserver.GetConfig(c).Handler("rewrite") != nil) {
			log.Warning(w)
		}
		if inst.directives--; inst.directives == 0 { // the last server block
			inst.report(serverBlocks(c))
		}
		return nil
	})
	c.OnRestart(inst.restarting)
	c.OnRestartFailed(inst.restartFailed)
	c.OnShutdown(inst.shutdown)

	dnsserver.GetConfig(c).AddPlugin(func(next plugin.Handler) plugin.Handler {
		return &Blocklist{Next: next, block: b}
	})
	return nil
}

func reloading() bool { return len(caddy.Instances()) > 1 }

// Call this at startup, because the plugin chain must be complete.
func (b *block) place(cfg *dnsserver.Config) {
	if geoip, _ := cfg.Handler("geoip").(metadata.Provider); cfg.Handler("metadata") != nil && geoipLabel(geoip, netip.IPv4Unspecified()) != nil {
		b.geoip = geoip
	}
	b.store.Rules.NoCountry = b.places.Empty() && b.geoip == nil
}

func (i *instance) report(blocks [][]*dnsserver.Config) {
	shadow := shadowOf(blocks)
	loaded.Lock()
	i.shadow, i.blocks = shadow, blocks
	loaded.Unlock()
	hookSelfTests()
	i.serve(newNode(blocks))
	line, warning := startLine(blocks)
	if warning {
		log.Warning(line)
	} else {
		log.Info(line)
	}
}

func (b *block) warnings(rewrites bool) (out []string) {
	if b.store.Rules.Response.Kind == order.Refused {
		out = append(out, "response refused is best effort: stubs ask their next server, and caches that serve stale data keep the old answer")
	}
	if rewrites {
		out = append(out, "the plugin rewrite is above blocklist: a blocked name passes if rewrite changes it")
	}
	return out
}
