package blocklist

import (
	"net"
	"slices"
	"strings"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/dns-orders/blocklist/plugin/printable"
)

// serverBlocks returns the configurations of the server blocks in the Corefile. Each list in the
// result is for one server block.
//
// A caddy.Controller shows one server block at a time. serverBlocks therefore changes the position
// in a copy of c.
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

// addressName returns a text that describes one address of a server block. The text includes the
// view and the bind addresses, because several server blocks may have the same zone and port.
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

// blockOf returns the plugin's state in a server block. It is nil if the server block has
// no blocklist directive.
func blockOf(cfg *dnsserver.Config) *block {
	if h, ok := cfg.Handler(name).(*Blocklist); ok {
		return h.block
	}
	return nil
}

// startLine returns a log line about the server blocks. It lists where orders are enforced. The
// bool is true if orders are not enforced everywhere, so that the line must be a warning.
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

// shadowOf returns for each server whether it is in shadow mode, in which orders are only counted.
// The keys of the map are the labels of the metrics.
func shadowOf(blocks [][]*dnsserver.Config) map[labels]bool {
	out := map[labels]bool{}
	for _, keys := range blocks {
		for _, cfg := range keys {
			b := blockOf(cfg)
			if b == nil {
				continue
			}
			for _, host := range cfg.ListenHosts {
				// CoreDNS's metrics use the resolved address as the label "server". This label must
				// be equal.
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
