package answer

import (
	"testing"

	"github.com/miekg/dns"

	"github.com/dns-orders/blocklist/plugin/order"
)

func BenchmarkBuild(b *testing.B) {
	for _, bb := range []struct {
		what string
		edit func(*dns.Msg)
	}{
		{"plain", func(*dns.Msg) {}},
		{"edns", edns},
		{"structured", signal},
	} {
		b.Run(bb.what, func(b *testing.B) {
			q, v, cfg := query(b, "www.example.com.", dns.TypeA, bb.edit), verdict(order.NXDOMAIN), config()
			cfg.Contact, cfg.Organization = []string{"mailto:abuse@isp.example"}, "Example Networks"
			b.ReportAllocs()
			for b.Loop() {
				Build(q, 1232, v, now, cfg)
			}
		})
	}
}
