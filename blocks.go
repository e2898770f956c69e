package blocklist

import (
	"net"
	"slices"
	"strings"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/dns-orders/blocklist/plugin/printable"
)

// A caddy.Controller shows one server block at a time, so the function works on a copy.
func serverBlocks(c *caddy.Controller) (blocks [][]*dnsserver.Config) {
	at := *c
	for at.ServerBlockIndex = 0; ; at.ServerBlockIndex++ {
		var keys []*dnsserver.Config
		for at.ServerBlockKeyIndex = 0; ; at.ServerBlockKeyIndex++ {
			cfg := dnsserver.GetConfig(&at)
			if cfg.Zone == "" {
				break
			}
			keys = append(keys, cfg)
		}
		if len(keys) == 0 {
			return blocks
		}
		blocks = append(blocks, keys)
	}
}

func addressName(cfg *dnsserver.Config) string {
	name := cfg.Transport + "://" + cfg.Zone + ":" + cfg.Port
	if cfg.ViewName != "" {
		name += " view " + cfg.ViewName
	}
	if hosts := strings.Join(cfg.ListenHosts, " "); hosts != "" {
		name += " bind " + hosts
	}
	return printable.Line(name)
}

func blockName(keys []*dnsserver.Config) string {
	var names []string
	for _, cfg := range keys {
		names = append(names, addressName(cfg))
	}
	return strings.Join(names, ", ")
}

func blockOf(cfg *dnsserver.Config) *block {
	if h, ok := cfg.Handler(name).(*Blocklist); ok {
		return h.block
	}
	return nil
}

func startLine(blocks [][]*dnsserver.Config) (line string, warning bool) {
	var digests, shadow, without []string
	enforced := map[string][]string{} // by digest
	for _, keys := range blocks {
		for _, cfg := range keys {
			name := addressName(cfg)
			switch b := blockOf(cfg); {
			case b == nil:
				without = append(without, name)
			case b.shadow:
				shadow = append(shadow, name)
			default:
				d := b.loaded.Status().Digest
				if !slices.Contains(digests, d) {
					digests = append(digests, d)
				}
				enforced[d] = append(enforced[d], name)
			}
		}
	}
	var says []string
	for _, d := range digests {
		says = append(says, "the order set of digest "+d[:min(12, len(d))]+" is enforced in "+strings.Join(enforced[d], ", "))
	}
	if len(shadow) > 0 {
		says = append(says, "orders are in shadow and change no answer in "+strings.Join(shadow, ", "))
	}
	if len(without) > 0 {
		says = append(says, "there is no blocklist directive, and no order is enforced, in "+strings.Join(without, ", "))
	}
	return "server blocks: " + strings.Join(says, "; "), len(shadow)+len(without) > 0
}

func shadowOf(blocks [][]*dnsserver.Config) map[labels]bool {
	out := map[labels]bool{}
	for _, keys := range blocks {
		for _, cfg := range keys {
			b := blockOf(cfg)
			if b == nil {
				continue
			}
			for _, host := range cfg.ListenHosts {
				// The label must be equal to the label "server" of CoreDNS's own metrics.
				addr := net.JoinHostPort(host, cfg.Port)
				if a, err := net.ResolveTCPAddr("tcp", addr); err == nil {
					addr = a.String()
				}
				out[labels{server: printable.Line(cfg.Transport + "://" + addr), zone: printable.Line(cfg.Zone), view: printable.Line(cfg.ViewName)}] = b.shadow
			}
		}
	}
	return out
}
