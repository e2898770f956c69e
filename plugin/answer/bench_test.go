package answer

import (
	"fmt"
	"net"
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

func BenchmarkClean(b *testing.B) {
	m := new(dns.Msg).SetQuestion("q.", dns.TypeMX)
	for i := range 2800 {
		m.Extra = append(m.Extra, &dns.A{Hdr: dns.RR_Header{Name: fmt.Sprintf("h%d.", i), Rrtype: dns.TypeA}, A: net.IP{192, 0, 2, 1}})
	}
	for b.Loop() {
		if out := Clean(m, false, func(*Destination) bool { return true }); len(out.Extra) > 0 {
			b.Fatal(out)
		}
	}
}
