package blocklist

import (
	"context"
	"strings"
	"testing"

	"github.com/coredns/coredns/plugin/pkg/dnstest"
	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
)

var evasionTypes = []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeANY, dns.TypeHTTPS, dns.TypeSVCB, dns.TypeNS, dns.TypeSOA, dns.TypeCAA,
	dns.TypeMX, dns.TypeTXT, dns.TypeCNAME, dns.TypeSRV, dns.TypeNone, 65280, dns.TypeDS, dns.TypeDNSKEY}

func TestEvasion(t *testing.T) {
	const orders = `version: 1
defaults: {authority: {name: NCU, country: UA, kind: regulator}, scope: global}
orders:
- {id: sub, targets: [blocked.example]}
- {id: exact, targets: [{name: exact.example, match: exact}]}
- {id: below, targets: ["*.below.example"]}
- {id: redirect, response: {redirect: [192.0.2.1]}, targets: [redirect.example]}
- {id: idn, targets: [пример.example]}
- {id: lifted, issued: 2026-01-01, targets: [lifted.example], except: [ok.lifted.example]}
`
	const (
		passed = "NOERROR passed"
		by     = " 30 EDE Censored Blocked by order of NCU"
	)
	for _, tc := range []struct {
		spellings string
		want      string            // the answer for every type
		but       map[uint16]string // contains the exceptions for some types; a DS query always passes
	}{
		{`blocked.example. BLOCKED.EXAMPLE. bLoCkEd.eXaMpLe. blocked.example Blocked.Example \098locked.example. \066LOCKED.example. ` +
			`blocked.exampl\101. \b\l\o\c\k\e\d.example. \098\108\111\099\107\101\100.\101\120\097\109\112\108\101. ` +
			`www.blocked.example. \000.blocked.example. \255\000.blocked.example. \..blocked.example. a\.b.blocked.example. \\.blocked.example. ` +
			`*.blocked.example. \042.blocked.example. _dns.blocked.example. _443._https.blocked.example. 0.0.0.0.blocked.example. ` +
			strings.Repeat("a.", 119) + "blocked.example.",
			"NXDOMAIN SOA blocked.example." + by, nil},
		{`xn--e1afmkfd.example. XN--E1AFMKFD.EXAMPLE. xN--e1AfMkFd.example. www.Xn--E1afmkfd.example \120n--e1afmkfd.example. xn\045-e1afmkfd.example.`,
			"NXDOMAIN SOA xn--e1afmkfd.example." + by, nil},
		{`exact.example. EXACT.EXAMPLE. exact.example \101xact.example.`,
			"NOERROR SOA exact.example." + by, map[uint16]string{dns.TypeDNSKEY: passed}},
		{`_https.exact.example. _8443._https.exact.example. _8443._HTTPS.Exact.Example.`,
			passed, map[uint16]string{dns.TypeHTTPS: "NOERROR SOA exact.example." + by, dns.TypeSVCB: "NOERROR SOA exact.example." + by}},
		{`a.below.example. A.Below.Example. a.b.below.example. \000.below.example.`, "NXDOMAIN SOA below.example." + by, nil},
		{`redirect.example. Www.rEdirect.example. redirec\116.example`, "NOERROR SOA redirect.example." + by,
			map[uint16]string{dns.TypeA: "NOERROR 192.0.2.1 EDE Forged Answer Blocked by order of NCU"}},
		{`lifted.example. LIFTED.example. l\105fted.example`, "NOERROR SOA lifted.example." + by, map[uint16]string{dns.TypeDNSKEY: passed}},

		{`blocked\.example. blocked\046example. www\.blocked.example. www\046blocked.example. blocked\000.example. \000blocked.example. ` +
			`blocked.example\000. blocked.example\.. blocked\032.example. notblocked.example. xblocked.example. blocked.example.com. ` +
			`blocked.example.example. blocked-example. example. . blocked. com. blocked.\101xampl. b1ocked.example. blocked.examples. ` +
			`xn--blocked.example. blo\\cked.example. blo\255cked.example. пример.example. ` +
			`below.example. www.exact.example. ok.lifted.example. www.OK.lifted.example. o\107.lifted.example. \000.ok.lifted.example. ` +
			`_a._8443._https.exact.example.`,
			passed, nil},
	} {
		now := noon
		h := newTestHandler(t, orders, &now)
		for name := range strings.FieldsSeq(tc.spellings) {
			for _, qtype := range evasionTypes {
				want := tc.want
				if w, ok := tc.but[qtype]; ok {
					want = w
				}
				if qtype == dns.TypeDS {
					want = passed
				}
				for _, class := range []uint16{dns.ClassINET, dns.ClassANY} {
					q := new(dns.Msg)
					q.RecursionDesired = true
					q.Question = []dns.Question{{Name: name, Qtype: qtype, Qclass: class}}
					q.SetEdns0(4096, false)
					rec := dnstest.NewRecorder(&test.ResponseWriter{})
					if code, err := h.ServeDNS(context.Background(), rec, q); code != dns.RcodeSuccess || err != nil || rec.Msg == nil {
						t.Fatalf("%s %s: %d %v", name, dns.Type(qtype), code, err)
					}
					if got := brief(delivered(t, rec.Msg)); got != want {
						t.Errorf("%s %s %s: %s, want %s", name, dns.Class(class), dns.Type(qtype), got, want)
					}
				}
			}
		}
	}
}

func delivered(t *testing.T, m *dns.Msg) *dns.Msg {
	t.Helper()
	m = m.Copy()
	m.Question[0].Name = dns.Fqdn(m.Question[0].Name)
	for _, rr := range append(m.Answer, m.Ns...) {
		rr.Header().Name = dns.Fqdn(rr.Header().Name)
	}
	wire, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	out := new(dns.Msg)
	if err := out.Unpack(wire); err != nil {
		t.Fatal(err)
	}
	for _, rr := range append(out.Answer, out.Ns...) {
		if rr.Header().Class != dns.ClassINET {
			t.Errorf("a record of another class: %v", rr)
		}
		rr.Header().Name = strings.ToLower(rr.Header().Name)
	}
	return out
}
