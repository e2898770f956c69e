package answer

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/dns-orders/blocklist/plugin/order"
)

func TestGolden(t *testing.T) {
	cfg := config()
	cfg.Contact = []string{"tel:1"}
	for _, tt := range []struct {
		what string
		m    *dns.Msg
		want string
	}{
		{"nxdomain, plain EDNS, DO, 0x20", Build(query(t, "wWw.Example.com.", dns.TypeA, func(m *dns.Msg) { m.SetEdns0(1232, true) }), 1232, verdict(order.NXDOMAIN), now, cfg), `
			1267 8183 0001 0000 0001 0001                 ; QR RD RA, NXDOMAIN
			03 775777 07 4578616d706c65 03 636f6d 00      ; wWw.Example.com.
			0001 0001                                     ; A IN
			c010 0006 0001 0000001e 0016                  ; Example.com. SOA IN 30
			00 00 00000001 00000e10 00000258 00015180     ; . . 1 3600 600 86400
			0000001e                                      ; MINIMUM 30
			00 0029 04d0 00 00 8000 0026                  ; OPT, 1232 octets, version 0, DO
			000f 0022 0010                                ; EDE, Censored
			426c6f636b6564206279206f72646572203931342f32373139206f66204e4355 ; Blocked by order 914/2719 of NCU
		`},
		{"nodata, class ANY, CD, no RD", Build(query(t, `a\.b.example.`, dns.TypeTXT, class(dns.ClassANY), func(m *dns.Msg) { m.RecursionDesired, m.CheckingDisabled = false, true }), 512, verdict(order.NODATA), now, cfg), `
			1267 8090 0001 0000 0001 0000                 ; QR RA CD, NOERROR
			03 612e62 07 6578616d706c65 00                ; a\.b.example.
			0010 00ff                                     ; TXT ANY
			c00c 0006 0001 0000001e 0016                  ; a\.b.example. SOA IN 30
			00 00 00000001 00000e10 00000258 00015180
			0000001e
		`},
		{"refused, structured", Build(query(t, "example.com.", dns.TypeHTTPS, signal), 1232, verdict(order.Refused), now, cfg), `
			1267 8185 0001 0000 0000 0001                 ; QR RD RA, REFUSED
			07 6578616d706c65 03 636f6d 00                ; example.com.
			0041 0001                                     ; HTTPS IN
			00 0029 04d0 00 00 0000 0015                  ; OPT
			000f 0011 0010                                ; EDE, Censored
			7b 2263223a 5b 2274656c3a3122 5d 7d           ; {"c":["tel:1"]}
		`},
		{"redirect", Build(query(t, "example.com.", dns.TypeAAAA, edns), 1232, verdict(order.Redirect, disclosure(order.Code)), now, cfg), `
			1267 8180 0001 0001 0000 0001                 ; QR RD RA, NOERROR
			07 6578616d706c65 03 636f6d 00                ; example.com.
			001c 0001                                     ; AAAA IN
			c00c 001c 0001 0000001e 0010                  ; example.com. AAAA IN 30
			20010db8000000000000000000000001              ; 2001:db8::1
			00 0029 04d0 00 00 0000 0006                  ; OPT
			000f 0002 0004                                ; EDE, Forged Answer, no text
		`},
	} {
		t.Run(tt.what, func(t *testing.T) {
			var want strings.Builder
			for line := range strings.Lines(tt.want) {
				line, _, _ = strings.Cut(line, ";")
				want.WriteString(strings.Join(strings.Fields(line), ""))
			}
			if got := hex.EncodeToString(pack(t, tt.m)); got != want.String() {
				t.Errorf("\n got %s\nwant %s", got, want.String())
			}
		})
	}
}
