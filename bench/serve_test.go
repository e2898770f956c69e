package bench

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	_ "github.com/coredns/coredns/plugin/bind" // the import registers the directive bind
	"github.com/coredns/coredns/plugin/test"
	_ "github.com/dns-orders/blocklist" // the import registers the directive blocklist
	"github.com/dns-orders/blocklist/bench/corpus"
	"github.com/miekg/dns"
)

type discard struct{ test.ResponseWriter }

func (*discard) WriteMsg(*dns.Msg) error { return nil }

var chain *dnsserver.Config

// The server has only the plugins bind, blocklist and endpoint. The plugin endpoint writes no
// answer.
func init() {
	plugin.Register("endpoint", func(c *caddy.Controller) error {
		chain = dnsserver.GetConfig(c)
		chain.AddPlugin(func(plugin.Handler) plugin.Handler {
			return plugin.HandlerFunc(func(context.Context, dns.ResponseWriter, *dns.Msg) (int, error) { return dns.RcodeSuccess, nil })
		})
		return nil
	})
	if err := dnsserver.SetDirectives([]string{"bind", "blocklist", "endpoint"}); err != nil {
		panic(err)
	}
	dnsserver.Quiet = true
	log.SetOutput(io.Discard) // drops the log lines of each start
}

func handler(b *testing.B, n int, properties ...string) plugin.Handler {
	dir := b.TempDir()
	in := sideList(list(n).Names)
	for name, text := range map[string][]byte{"side.yaml": in.text, "names.txt": in.side} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	corefile := fmt.Sprintf(".:0 {\n bind 127.0.0.1\n blocklist %s {\n%s\n}\n endpoint\n}\n", filepath.Join(dir, "side.yaml"), strings.Join(properties, "\n"))
	instance, err := caddy.Start(caddy.CaddyfileInput{Contents: []byte(corefile), ServerTypeName: "dns"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		instance.ShutdownCallbacks()
		instance.Stop()
	})
	return chain.Handler("blocklist")
}

func BenchmarkServeDNS(b *testing.B) {
	eachSize(b, func(b *testing.B, n int) {
		h := handler(b, n)
		for _, kind := range []struct {
			name string
			qs   corpus.Queries
			edns bool
		}{
			{"passing", misses(n), false}, {"passing-edns", misses(n), true}, {"mix-edns", mix(n), true},
			{"blocked", hits(n), false}, {"blocked-edns", hits(n), true},
		} {
			b.Run(kind.name, func(b *testing.B) {
				m, w, ctx := new(dns.Msg), &discard{}, context.Background()
				m.SetQuestion(".", dns.TypeA)
				if kind.edns {
					m.SetEdns0(1232, false)
				}
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					if i == len(kind.qs) {
						i = 0
					}
					m.Question[0].Name = kind.qs[i]
					if code, err := h.ServeDNS(ctx, w, m); code != dns.RcodeSuccess || err != nil {
						b.Fatal(code, err)
					}
				}
			})
		}
	})
}
