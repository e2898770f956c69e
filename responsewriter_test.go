package blocklist

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/metadata"
	"github.com/coredns/coredns/plugin/pkg/dnstest"
	"github.com/coredns/coredns/plugin/pkg/nonwriter"
	"github.com/coredns/coredns/plugin/test"
	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

const answerOrders = `version: 1
defaults: {authority: {name: NCU, country: UA, kind: regulator}, scope: global}
orders:
- {id: sub, targets: [bad.example], except: [spared.example]}
- {id: exact, targets: [{name: exact.example, match: exact}]}
- {id: redirect, response: {redirect: [198.51.100.1]}, targets: [redirect.example]}
- {id: soon, from: 2026-05-01T12:00:10Z, targets: [soon.example]}
- {id: italy, scope: {countries: [IT]}, targets: [italy.example]}
- {id: dark, status: shadow, targets: [dark.example]}
- {id: ended, until: 2026-04-01, targets: [ended.example]}
- {id: suspended, status: suspended, targets: [suspended.example]}
- {id: held, targets: [held.example]}
- {id: clients, scope: {clients: [198.51.100.0/24]}, targets: [clients.example]}
- {id: lifted, issued: 2026-01-01, targets: [lifted-target.example, freed.example, briefly.example]}
- {id: lift, action: lift, lifts: [lifted], issued: 2026-01-02, targets: [freed.example, stray.example]}
- {id: brief, action: lift, lifts: [lifted], issued: 2026-01-02, until: 2026-05-01T12:00:20Z, targets: [briefly.example]}
- {id: address, targets: [{address: 45.45.45.0/24, enforced_by: dns}, {address: 2a0e:1234::/48, enforced_by: dns}]}
- {id: address-lift, action: lift, lifts: [address], issued: 2026-01-02, targets: [{address: 45.45.45.128/25}]}
- {id: address-soon, from: 2026-05-01T12:00:05Z, targets: [{address: 46.46.46.46, enforced_by: dns}]}
`

func upstream(t testing.TB, zone string) plugin.HandlerFunc {
	t.Helper()
	reply := new(dns.Msg)
	section := &reply.Answer
	for line := range strings.Lines(zone) {
		switch line = strings.TrimSpace(line); line {
		case "":
		case "authority":
			section = &reply.Ns
		case "additional":
			section = &reply.Extra
		case "nxdomain":
			reply.Rcode = dns.RcodeNameError
		default:
			rr, err := dns.NewRR(line)
			if err != nil {
				t.Fatal(err)
			}
			*section = append(*section, rr)
		}
	}
	return func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		before := reply.String()
		m := new(dns.Msg).SetReply(r)
		m.Rcode, m.Answer, m.Ns, m.Extra = reply.Rcode, reply.Answer, reply.Ns, reply.Extra
		err := w.WriteMsg(m)
		if reply.String() != before {
			t.Errorf("the answer was changed, but other plugins may share it\n%s\n%s", before, reply)
		}
		return dns.RcodeSuccess, err
	}
}

func records(m *dns.Msg) string {
	var out []string
	for _, rr := range slices.Concat(m.Answer, m.Ns, m.Extra) {
		if rr.Header().Rrtype != dns.TypeOPT {
			out = append(out, strings.Join(strings.Fields(strings.ReplaceAll(rr.String(), "\tIN\t", " ")), " "))
		}
	}
	return dns.RcodeToString[m.Rcode] + "; " + strings.Join(out, "; ")
}

func links(n int) string {
	var b strings.Builder
	from := "asked.example."
	for i := range n {
		to := fmt.Sprintf("l%d.example.", i+1)
		fmt.Fprintf(&b, "%s 1 CNAME %s\n", from, to)
		from = to
	}
	return b.String()
}

type protects struct {
	ruleset.Guard
	name, held dname.Name
}

func (p protects) Name(w *dname.Wire) string {
	if w.Name() == p.held {
		return "is held"
	}
	return ""
}

func (protects) Address(netip.Prefix) string { return "" }

func (p protects) Protected(w *dname.Wire) bool { return p.name.Covers(w.Name()) }

func TestResponseWriter(t *testing.T) {
	blocked := func(name string) string {
		return "NOERROR; " + name + " 30 SOA . . 1 3600 600 86400 30"
	}
	for _, tc := range []struct {
		name, corefile, qname, qtype, zone string
		want                               string // empty means the unchanged answer of the upstream
	}{
		{name: "nothing in the way", zone: "asked.example. 300 A 192.0.2.1"},
		{name: "CNAME to a blocked name", zone: "asked.example. 300 CNAME www.bad.example.\nwww.bad.example. 300 A 192.0.2.1", want: blocked("asked.example.")},
		{name: "its letter case", qname: "aSKed.eXample.", zone: "asked.example. 300 CNAME WWW.BAD.example.", want: blocked("aSKed.eXample.")},
		{name: "in the middle of the chain", zone: "asked.example. 300 CNAME a.example.\na.example. 300 CNAME bad.example.\nbad.example. 300 CNAME ok.example.\nok.example. 300 A 192.0.2.1", want: blocked("asked.example.")},
		{name: "records in another order", zone: "c.example. 1 CNAME bad.example.\nb.example. 1 CNAME c.example.\nasked.example. 1 CNAME b.example.", want: blocked("asked.example.")},
		{name: "a chain that is not the asked name's", zone: "asked.example. 1 A 192.0.2.1\nother.example. 1 CNAME bad.example."},
		{name: "two CNAMEs, the second to a blocked name", zone: "asked.example. 300 CNAME ok.example.\nasked.example. 300 CNAME bad.example.\nok.example. 300 A 192.0.2.2\nbad.example. 300 A 192.0.2.1", want: blocked("asked.example.")},
		{name: "two CNAMEs further on", zone: "asked.example. 300 CNAME ok.example.\nok.example. 300 CNAME fine.example.\nok.example. 300 CNAME bad.example.\nfine.example. 300 A 192.0.2.2", want: blocked("asked.example.")},
		{name: "two DNAMEs", qname: "x.asked.example.", zone: "asked.example. 300 DNAME ok.example.\nasked.example. 300 DNAME bad.example.", want: blocked("x.asked.example.")},
		{name: "DNAME to a blocked name, with a CNAME that says otherwise", qname: "x.asked.example.", zone: "asked.example. 300 DNAME bad.example.\nx.asked.example. 300 CNAME ok.example.", want: blocked("x.asked.example.")},
		{name: "a loose address of a blocked name", zone: "asked.example. 300 A 192.0.2.2\nbad.example. 300 A 192.0.2.1\nBAD.example. 300 AAAA 2001:db8::1\nbad.example. 300 TXT x",
			want: "NOERROR; asked.example. 300 A 192.0.2.2; bad.example. 300 TXT \"x\""},
		{name: "its RRset and signature", zone: "asked.example. 300 A 192.0.2.2\nbad.example. 300 A 192.0.2.1\nbad.example. 300 A 192.0.2.3\nbad.example. 300 RRSIG A 8 2 300 20300101000000 20200101000000 1 example. AAAA",
			want: "NOERROR; asked.example. 300 A 192.0.2.2"},
		{name: "nothing but a loose address", zone: "bad.example. 300 A 192.0.2.1", want: "NOERROR; "},
		{name: "a loose address, another letter case", qname: "aSKed.eXample.", zone: "asked.example. 300 A 192.0.2.2\nBaD.example. 300 A 192.0.2.1", want: "NOERROR; asked.example. 300 A 192.0.2.2"},
		{name: "loose HTTPS of a blocked name", zone: "asked.example. 300 A 192.0.2.2\nbad.example. 300 HTTPS 1 . ipv4hint=192.0.2.1", want: "NOERROR; asked.example. 300 A 192.0.2.2"},
		{name: "loose HTTPS of a blocked host's service", zone: "asked.example. 300 A 192.0.2.2\n_8443._https.exact.example. 300 HTTPS 1 .", want: "NOERROR; asked.example. 300 A 192.0.2.2"},
		{name: "loose HTTPS at the asked name, to a blocked name", zone: "asked.example. 300 A 192.0.2.2\nasked.example. 300 HTTPS 1 bad.example.", want: blocked("asked.example.")},
		{name: "a loose CNAME and DNAME of a blocked name", zone: "asked.example. 300 A 192.0.2.2\nwww.bad.example. 300 CNAME ok.example.\nbad.example. 300 DNAME ok.example.\nok.example. 300 A 192.0.2.1",
			want: "NOERROR; asked.example. 300 A 192.0.2.2; ok.example. 300 A 192.0.2.1"},
		{name: "a loose address behind a chain", zone: "asked.example. 300 CNAME ok.example.\nok.example. 300 A 192.0.2.2\nbad.example. 300 A 192.0.2.1", want: "NOERROR; asked.example. 300 CNAME ok.example.; ok.example. 300 A 192.0.2.2"},
		{name: "in the authority section", zone: "asked.example. 300 A 192.0.2.2\nauthority\nexample. 300 NS bad.example.\nbad.example. 300 A 192.0.2.1\nok.example. 300 A 192.0.2.3",
			want: "NOERROR; asked.example. 300 A 192.0.2.2; example. 300 NS bad.example.; ok.example. 300 A 192.0.2.3"},
		{name: "in the authority section of a denial", zone: "nxdomain\nauthority\nexample. 300 SOA . . 1 2 3 4 300\nbad.example. 300 AAAA 2001:db8::1", want: "NXDOMAIN; example. 300 SOA . . 1 2 3 4 300"},
		{name: "a loose address under an order soon", zone: "asked.example. 300 A 192.0.2.2\nsoon.example. 300 A 192.0.2.1", want: "NOERROR; asked.example. 10 A 192.0.2.2; soon.example. 10 A 192.0.2.1"},
		{name: "a loose address, answers off", corefile: "answers off", zone: "asked.example. 300 A 192.0.2.2\nbad.example. 300 A 192.0.2.1"},
		{name: "a loose address, the plugin in shadow", corefile: "shadow", zone: "asked.example. 300 A 192.0.2.2\nbad.example. 300 A 192.0.2.1"},
		{name: "a loose address, an order in shadow", zone: "asked.example. 300 A 192.0.2.2\ndark.example. 300 A 192.0.2.1"},
		{name: "a loose address, the order excepts the asked name", qname: "spared.example.", zone: "spared.example. 300 A 192.0.2.2\nbad.example. 300 A 192.0.2.1",
			want: "NOERROR; spared.example. 0 A 192.0.2.2; bad.example. 0 A 192.0.2.1"},
		{name: "a loose address in the authority section, a protected name", qname: "protected.example.", zone: "protected.example. 300 A 192.0.2.2\nauthority\nbad.example. 300 A 192.0.2.1",
			want: "NOERROR; protected.example. 0 A 192.0.2.2; bad.example. 0 A 192.0.2.1"},
		{name: "a loose address of another country's order", zone: "asked.example. 300 A 192.0.2.2\nitaly.example. 300 A 192.0.2.1"},
		{name: "the address of a blocked name beside its DS", qname: "bad.example.", qtype: "DS", zone: "bad.example. 300 DS 1 13 2 00\nbad.example. 300 A 192.0.2.1", want: "NOERROR; bad.example. 300 DS 1 13 2 00"},
		{name: "the address of a blocked name beside its DNSKEY", qname: "exact.example.", qtype: "DNSKEY", zone: "exact.example. 300 DNSKEY 257 3 13 AAAA\nexact.example. 300 A 192.0.2.1", want: "NOERROR; exact.example. 300 DNSKEY 257 3 13 AAAA"},
		{name: "a loop", zone: "asked.example. 1 CNAME b.example.\nb.example. 1 CNAME asked.example."},
		{name: "more links than are followed", zone: links(40) + "\nl40.example. 1 CNAME bad.example.", want: blocked("asked.example.")},
		{name: "NXDOMAIN at the end of the chain", zone: "nxdomain\nasked.example. 1 CNAME bad.example.", want: blocked("asked.example.")},
		{name: "DNAME with its CNAME", qname: "x.asked.example.", zone: "asked.example. 300 DNAME bad.example.\nx.asked.example. 300 CNAME x.bad.example.", want: blocked("x.asked.example.")},
		{name: "DNAME alone", qname: "x.asked.example.", zone: "asked.example. 300 DNAME bad.example.", want: blocked("x.asked.example.")},
		{name: "DNAME to an exact target: names below go on", qname: "x.asked.example.", zone: "asked.example. 300 DNAME exact.example."},
		{name: "DNAME into an exact target", qname: "exact.asked.example.", zone: "asked.example. 300 DNAME example.", want: blocked("exact.asked.example.")},
		{name: "DNAME with a CNAME that says otherwise", qname: "x.asked.example.", zone: "asked.example. 300 DNAME ok.example.\nx.asked.example. 300 CNAME bad.example.", want: blocked("x.asked.example.")},
		{name: "DNAME above a service's host", qname: "_8443._https.exact.asked.example.", qtype: "HTTPS", zone: "asked.example. 300 DNAME example.", want: blocked("_8443._https.exact.asked.example.")},
		{name: "DNAME is not for its owner", zone: "asked.example. 300 DNAME bad.example."},
		{name: "redirect", zone: "asked.example. 300 CNAME redirect.example.", want: "NOERROR; asked.example. 30 A 198.51.100.1"},
		{name: "HTTPS alias", qtype: "HTTPS", zone: "asked.example. 300 HTTPS 0 bad.example.", want: blocked("asked.example.")},
		{name: "HTTPS service", qtype: "HTTPS", zone: "asked.example. 300 HTTPS 1 bad.example. alpn=h2", want: blocked("asked.example.")},
		{name: "HTTPS of the owner", qtype: "HTTPS", zone: "asked.example. 300 HTTPS 1 . alpn=h2 ipv4hint=192.0.2.1"},
		{name: "HTTPS service at a port's name: its addresses are asked for", qtype: "HTTPS", zone: "asked.example. 300 HTTPS 1 _8443._https.exact.example."},
		{name: "HTTPS alias to a port's name", qtype: "HTTPS", zone: "asked.example. 300 HTTPS 0 _8443._https.exact.example.", want: blocked("asked.example.")},
		{name: "ANY shows the record of an ordered service", qname: "_8443._https.exact.example.", qtype: "ANY", zone: "_8443._https.exact.example. 300 HTTPS 1 .", want: blocked("_8443._https.exact.example.")},
		{name: "ANY shows none", qname: "_8443._https.exact.example.", qtype: "ANY", zone: "_8443._https.exact.example. 300 TXT x"},
		{name: "SVCB", qtype: "SVCB", zone: "asked.example. 300 SVCB 1 bad.example.", want: blocked("asked.example.")},
		{name: "the order excepts the asked name", qname: "www.spared.example.", zone: "www.spared.example. 300 CNAME bad.example."},
		{name: "a lift of the asked name", qname: "freed.example.", zone: "freed.example. 300 CNAME lifted-target.example."},
		{name: "spared, with the blocked name's address", qname: "spared.example.", zone: "spared.example. 300 CNAME bad.example.\nbad.example. 60 A 192.0.2.1",
			want: "NOERROR; spared.example. 0 CNAME bad.example.; bad.example. 0 A 192.0.2.1"},
		{name: "lifted, with the blocked name's address", qname: "freed.example.", zone: "freed.example. 300 CNAME lifted-target.example.\nlifted-target.example. 60 A 192.0.2.1",
			want: "NOERROR; freed.example. 0 CNAME lifted-target.example.; lifted-target.example. 0 A 192.0.2.1"},
		{name: "protected, with the blocked name's address", qname: "protected.example.", qtype: "MX", zone: "protected.example. 300 MX 1 bad.example.\nadditional\nbad.example. 60 A 192.0.2.1",
			want: "NOERROR; protected.example. 0 MX 1 bad.example.; bad.example. 0 A 192.0.2.1"},
		{name: "spared, and not yet blocked", qname: "spared.example.", zone: "spared.example. 300 CNAME soon.example.\nsoon.example. 60 A 192.0.2.1",
			want: "NOERROR; spared.example. 10 CNAME soon.example.; soon.example. 10 A 192.0.2.1"},
		{name: "a lift of the asked name that ends", qname: "briefly.example.", zone: "briefly.example. 300 CNAME lifted-target.example.", want: "NOERROR; briefly.example. 20 CNAME lifted-target.example."},
		{name: "a lift of the asked name, to which the order did nothing", qname: "stray.example.", zone: "stray.example. 300 CNAME lifted-target.example.", want: blocked("stray.example.")},
		{name: "a lift of another name", zone: "asked.example. 300 CNAME lifted-target.example.", want: blocked("asked.example.")},
		{name: "a protected name", qname: "protected.example.", zone: "protected.example. 300 CNAME bad.example."},
		{name: "protected, and nothing to protect from: an order that ended", qname: "www.protected.example.", zone: "www.protected.example. 300 CNAME x.ended.example.\nx.ended.example. 60 A 192.0.2.1"},
		{name: "protected, to a suspended order", qname: "www.protected.example.", zone: "www.protected.example. 300 CNAME x.suspended.example.\nx.suspended.example. 60 A 192.0.2.1"},
		{name: "protected, to another client's order", qname: "www.protected.example.", zone: "www.protected.example. 300 CNAME x.clients.example.\nx.clients.example. 60 A 192.0.2.1"},
		{name: "protected, to another country's order", qname: "www.protected.example.", zone: "www.protected.example. 300 CNAME x.italy.example.\nx.italy.example. 60 A 192.0.2.1"},
		{name: "protected, to an order that the guard holds", qname: "www.protected.example.", zone: "www.protected.example. 300 CNAME edge.held.example.\nedge.held.example. 60 A 192.0.2.1"},
		{name: "protected, and not yet blocked", qname: "www.protected.example.", zone: "www.protected.example. 300 CNAME x.soon.example.\nx.soon.example. 60 A 192.0.2.1",
			want: "NOERROR; www.protected.example. 10 CNAME x.soon.example.; x.soon.example. 10 A 192.0.2.1"},
		{name: "protected, with an innocent address", corefile: "answers addresses", qname: "protected.example.", zone: "protected.example. 300 CNAME x.example.\nx.example. 300 A 45.45.45.200"},
		{name: "another client's country", zone: "asked.example. 300 CNAME italy.example."},
		{name: "the client's country", corefile: "home IT", zone: "asked.example. 300 CNAME italy.example.", want: blocked("asked.example.")},
		{name: "addresses in the additional section", qtype: "MX", zone: "asked.example. 300 MX 1 bad.example.\nadditional\nbad.example. 300 A 192.0.2.1\nok.example. 300 A 192.0.2.2\nbad.example. 300 AAAA 2001:db8::1\nbad.example. 300 TXT x",
			want: "NOERROR; asked.example. 300 MX 1 bad.example.; ok.example. 300 A 192.0.2.2; bad.example. 300 TXT \"x\""},
		{name: "answers off", corefile: "answers off", zone: "asked.example. 300 CNAME bad.example."},
		{name: "the plugin in shadow", corefile: "shadow", zone: "asked.example. 300 CNAME bad.example."},
		{name: "an order in shadow", zone: "asked.example. 300 CNAME dark.example."},

		{name: "asked name under an order soon", qname: "soon.example.", zone: "soon.example. 300 A 192.0.2.1\nauthority\nexample. 5 NS ns.example.\nadditional\nns.example. 60 A 192.0.2.3",
			want: "NOERROR; soon.example. 10 A 192.0.2.1; example. 5 NS ns.example.; ns.example. 10 A 192.0.2.3"},
		{name: "chain under an order soon", zone: "asked.example. 300 CNAME soon.example.\nsoon.example. 7 A 192.0.2.1", want: "NOERROR; asked.example. 10 CNAME soon.example.; soon.example. 7 A 192.0.2.1"},
		{name: "HTTPS target under an order soon", qtype: "HTTPS", zone: "asked.example. 300 HTTPS 1 soon.example.", want: `NOERROR; asked.example. 10 HTTPS 1 soon.example.`},
		{name: "negative answer", qname: "soon.example.", zone: "nxdomain\nauthority\nexample. 3600 SOA . . 1 2 3 4 900", want: "NXDOMAIN; example. 10 SOA . . 1 2 3 4 900"},
		{name: "soon, in shadow", corefile: "shadow", qname: "soon.example.", zone: "soon.example. 300 A 192.0.2.1"},

		{name: "DS of a blocked name", qname: "bad.example.", qtype: "DS", zone: "bad.example. 300 DS 1 13 2 00"},
		{name: "CNAME in place of a blocked name's DS", qname: "www.bad.example.", qtype: "DS", zone: "www.bad.example. 300 CNAME ok.example.", want: "NXDOMAIN; bad.example. 30 SOA . . 1 3600 600 86400 30"},
		{name: "DNAME in place of a blocked name's DS", corefile: "answers off", qname: "www.bad.example.", qtype: "DS", zone: "bad.example. 300 DNAME ok.example.\nwww.bad.example. 0 CNAME www.ok.example.", want: "NXDOMAIN; bad.example. 30 SOA . . 1 3600 600 86400 30"},
		{name: "CNAME in place of a blocked name's DNSKEY", qname: "exact.example.", qtype: "DNSKEY", zone: "exact.example. 300 CNAME ok.example.", want: blocked("exact.example.")},
		{name: "CNAME in place of an excepted name's DS", qname: "spared.example.", qtype: "DS", zone: "spared.example. 300 CNAME bad.example."},
		{name: "CNAME in place of another name's DS", qtype: "DS", zone: "asked.example. 300 CNAME bad.example."},
		{name: "CNAMEs in place of another name's DS, one of them of a blocked name", qtype: "DS", zone: "asked.example. 300 CNAME bad.example.\nbad.example. 300 CNAME ok.example.", want: blocked("asked.example.")},
		{name: "CNAME in place of a DS, with a blocked name's address", qtype: "DS", zone: "asked.example. 300 CNAME ok.example.\nadditional\nbad.example. 300 A 192.0.2.1\nok.example. 300 A 192.0.2.2",
			want: "NOERROR; asked.example. 300 CNAME ok.example.; ok.example. 300 A 192.0.2.2"},
		{name: "CNAME in place of a DS, with a blocked name's address, answers off", corefile: "answers off", qtype: "DS", zone: "asked.example. 300 CNAME ok.example.\nadditional\nbad.example. 300 A 192.0.2.1"},
		{name: "CNAME in place of a DS, soon", qname: "soon.example.", qtype: "DS", zone: "soon.example. 300 CNAME ok.example.", want: "NOERROR; soon.example. 10 CNAME ok.example."},
		{name: "CNAME in place of a DS, in shadow", corefile: "shadow", qname: "bad.example.", qtype: "DS", zone: "bad.example. 300 CNAME ok.example."},

		{name: "addresses are not judged by default", zone: "asked.example. 300 A 45.45.45.45"},
		{name: "address", corefile: "answers addresses", zone: "asked.example. 300 A 192.0.2.1\nasked.example. 300 A 45.45.45.45", want: blocked("asked.example.")},
		{name: "IPv6 address", corefile: "answers addresses", qtype: "AAAA", zone: "asked.example. 300 AAAA 2a0e:1234::1", want: blocked("asked.example.")},
		{name: "IPv4 in IPv6", corefile: "answers addresses", qtype: "AAAA", zone: "asked.example. 300 AAAA ::ffff:45.45.45.45", want: blocked("asked.example.")},
		{name: "IPv4 behind the well-known NAT64 prefix", corefile: "answers addresses", qtype: "AAAA", zone: "asked.example. 300 AAAA 64:ff9b::45.45.45.45", want: blocked("asked.example.")},
		{name: "IPv4 behind the local NAT64 prefix", corefile: "answers addresses", qtype: "AAAA", zone: "asked.example. 300 AAAA 64:ff9b:1::45.45.45.45", want: blocked("asked.example.")},
		{name: "IPv4 in 6to4", corefile: "answers addresses", qtype: "AAAA", zone: "asked.example. 300 AAAA 2002:2d2d:2d2d::1", want: blocked("asked.example.")},
		{name: "IPv4-compatible", corefile: "answers addresses", qtype: "AAAA", zone: "asked.example. 300 AAAA ::45.45.45.45", want: blocked("asked.example.")},
		{name: "IPv4 behind the operator's own prefix", corefile: "answers addresses 2001:db8:64::/96 2001:db8:122:344::/64", qtype: "AAAA", zone: "asked.example. 300 AAAA 2001:db8:122:344:2d:2d2d:2d00:0", want: blocked("asked.example.")},
		{name: "IPv4 behind a prefix that nobody told of", corefile: "answers addresses", qtype: "AAAA", zone: "asked.example. 300 AAAA 2001:db8:64::45.45.45.45"},
		{name: "another IPv4 behind NAT64", corefile: "answers addresses", qtype: "AAAA", zone: "asked.example. 300 AAAA 64:ff9b::45.45.46.1"},
		{name: "a lifted IPv4 behind NAT64", corefile: "answers addresses", qtype: "AAAA", zone: "asked.example. 300 AAAA 64:ff9b::45.45.45.200"},
		{name: "IPv4 behind NAT64, addresses not judged", qtype: "AAAA", zone: "asked.example. 300 AAAA 64:ff9b::45.45.45.45"},
		{name: "IPv4 behind NAT64, soon", corefile: "answers addresses", qtype: "AAAA", zone: "asked.example. 300 AAAA 64:ff9b::46.46.46.46", want: "NOERROR; asked.example. 5 AAAA 64:ff9b::2e2e:2e2e"},
		{name: "a hint behind NAT64", corefile: "answers addresses", qtype: "HTTPS", zone: "asked.example. 300 HTTPS 1 . ipv6hint=64:ff9b::2d2d:2d2d", want: blocked("asked.example.")},
		{name: "another address", corefile: "answers addresses", zone: "asked.example. 300 A 45.45.46.1"},
		{name: "lifted address", corefile: "answers addresses", zone: "asked.example. 300 A 45.45.45.200"},
		{name: "hint", corefile: "answers addresses", qtype: "HTTPS", zone: "asked.example. 300 HTTPS 1 . ipv4hint=192.0.2.1,45.45.45.45", want: blocked("asked.example.")},
		{name: "IPv6 hint", corefile: "answers addresses", qtype: "HTTPS", zone: "asked.example. 300 HTTPS 1 . ipv6hint=2a0e:1234::9", want: blocked("asked.example.")},
		{name: "address under an order soon", corefile: "answers addresses", zone: "asked.example. 300 A 46.46.46.46", want: "NOERROR; asked.example. 5 A 46.46.46.46"},
		{name: "address, protected name", corefile: "answers addresses", qname: "protected.example.", zone: "protected.example. 300 A 45.45.45.45"},
		{name: "address in the additional section", corefile: "answers addresses", qtype: "NS", zone: "asked.example. 300 NS ns.example.\nadditional\nns.example. 300 A 45.45.45.45",
			want: "NOERROR; asked.example. 300 NS ns.example."},
		{name: "one of two addresses in the additional section: a part is no RRset", corefile: "answers addresses", qtype: "NS", zone: "asked.example. 300 NS ns.example.\nadditional\nns.example. 300 A 192.0.2.1\nns.example. 300 A 45.45.45.45",
			want: "NOERROR; asked.example. 300 NS ns.example."},
		{name: "zone transfers are no resolution", qtype: "AXFR", zone: "asked.example. 300 CNAME bad.example."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			now := noon
			h := newTestHandler(t, answerOrders, &now)
			if err := parse(controller("blocklist x.yaml {\n"+tc.corefile+"\n}"), "", &h.config); err != nil {
				t.Fatal(err)
			}
			protected, _ := dname.Parse("protected.example")
			held, _ := dname.Parse("held.example")
			h.store.Rules.Guard = protects{name: protected, held: held}
			part := compile(t, answerOrders).Parts()[0].Guarded(h.store.Rules.Guard)
			set := ruleset.Merge([]*ruleset.Part{part}, h.store.Rules)
			h.set = func() *ruleset.Set { return set }
			h.Next = upstream(t, tc.zone)
			q := dns.Question{Name: "asked.example.", Qtype: dns.TypeA, Qclass: dns.ClassINET}
			if tc.qname != "" {
				q.Name = tc.qname
			}
			if tc.qtype != "" {
				q.Qtype = dns.StringToType[tc.qtype]
			}
			ask := func(h plugin.Handler) *dns.Msg {
				m := &dns.Msg{MsgHdr: dns.MsgHdr{Id: 7}, Question: []dns.Question{q}}
				rec := dnstest.NewRecorder(&test.ResponseWriter{})
				h.ServeDNS(context.Background(), rec, m)
				return rec.Msg
			}
			got := ask(h)
			if tc.want == "" {
				if plain := ask(h.Next); got.String() != plain.String() {
					t.Errorf("got\n%s\nwant it unchanged\n%s", got, plain)
				}
			} else if s := records(got); s != tc.want {
				t.Errorf("\n got %s\nwant %s", s, tc.want)
			}
		})
	}
}

func TestWireForm(t *testing.T) {
	now := noon
	h := newTestHandler(t, answerOrders, &now)
	next := upstream(t, "asked.example. 300 CNAME bad.example.")
	h.Next = plugin.HandlerFunc(func(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		nw := nonwriter.New(w)
		next(ctx, nw, r)
		b, _ := nw.Msg.Pack()
		_, err := w.Write(b)
		return 0, err
	})
	rec := dnstest.NewRecorder(&test.ResponseWriter{})
	h.ServeDNS(context.Background(), rec, new(dns.Msg).SetQuestion("asked.example.", dns.TypeA))
	if rec.Msg == nil || len(rec.Msg.Answer) != 0 {
		t.Errorf("got %v", rec.Msg)
	}
}

func TestWhileBelow(t *testing.T) {
	for name, tc := range map[string]struct {
		qname  string
		change func(h *Blocklist, now *time.Time)
	}{
		"time passes": {"soon.example.", func(_ *Blocklist, now *time.Time) { *now = now.Add(10 * time.Second) }},
		"an order file": {"new.example.", func(h *Blocklist, _ *time.Time) {
			set := compile(t, strings.ReplaceAll(answerOrders, "bad.example", "new.example"))
			h.set = func() *ruleset.Set { return set }
		}},
	} {
		now := noon
		h := newTestHandler(t, answerOrders, &now)
		next := upstream(t, tc.qname+" 300 A 192.0.2.1")
		h.Next = plugin.HandlerFunc(func(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
			tc.change(h, &now)
			return next(ctx, w, r)
		})
		rec := dnstest.NewRecorder(&test.ResponseWriter{})
		h.ServeDNS(context.Background(), rec, new(dns.Msg).SetQuestion(tc.qname, dns.TypeA))
		if rec.Msg.Rcode != dns.RcodeNameError {
			t.Errorf("%s: got %v", name, rec.Msg)
		}
	}
}

func TestLookups(t *testing.T) {
	count := func() (n float64) {
		for _, r := range []string{"nxdomain", "nodata", "redirect", "refused"} {
			n += testutil.ToFloat64(blockedRequests.WithLabelValues("", ".", "", r))
		}
		return n
	}
	for _, tc := range []struct {
		asked, target, corefile string
		want                    string
		counted                 float64
	}{
		{asked: "asked.example.", target: "bad.example.", want: "NOERROR; asked.example. 30 SOA . . 1 3600 600 86400 30", counted: 1},
		{asked: "spared.example.", target: "bad.example.", want: "NOERROR; spared.example. 0 CNAME bad.example.; bad.example. 0 A 192.0.2.1"},
		{asked: "asked.example.", target: "ok.example.", want: "NOERROR; asked.example. 60 CNAME ok.example.; ok.example. 60 A 192.0.2.1"},
		{asked: "asked.example.", target: "bad.example.", corefile: "answers off", want: "NOERROR; asked.example. 60 CNAME bad.example.; bad.example. 60 A 192.0.2.1"},
	} {
		now := noon
		h := newTestHandler(t, answerOrders, &now)
		if err := parse(controller("blocklist x.yaml {\n"+tc.corefile+"\n}"), "", &h.config); err != nil {
			t.Fatal(err)
		}
		h.Next = plugin.HandlerFunc(func(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
			if r.Question[0].Name != tc.asked {
				return upstream(t, tc.target+" 60 A 192.0.2.1")(ctx, w, r)
			}
			nw := nonwriter.New(w)
			h.ServeDNS(ctx, nw, new(dns.Msg).SetQuestion(tc.target, dns.TypeA))
			if len(nw.Msg.Answer) == 0 {
				t.Errorf("%s: the look-up is blocked", tc.asked)
			}
			m := new(dns.Msg).SetReply(r)
			m.Answer = append([]dns.RR{test.CNAME(tc.asked + " 60 IN CNAME " + tc.target)}, nw.Msg.Answer...)
			return 0, w.WriteMsg(m)
		})
		before := count()
		rec := dnstest.NewRecorder(&test.ResponseWriter{})
		h.ServeDNS(context.Background(), rec, new(dns.Msg).SetQuestion(tc.asked, dns.TypeA))
		if got := records(rec.Msg); got != tc.want {
			t.Errorf("%s: got %s, want %s", tc.asked, got, tc.want)
		}
		if got := count() - before; got != tc.counted {
			t.Errorf("%s: counted %v times, want %v", tc.asked, got, tc.counted)
		}
	}
}

func TestShadow(t *testing.T) {
	for _, tc := range []struct {
		corefile, qname, zone string
		form                  string
		blocked               bool
	}{
		{qname: "dark.example.", zone: "dark.example. 60 A 192.0.2.1", form: "nxdomain"},
		{qname: "asked.example.", zone: "asked.example. 60 CNAME dark.example.", form: "nodata"},
		{qname: "dark.example.", zone: "dark.example. 60 CNAME x.dark.example.", form: "nxdomain"},
		{corefile: "shadow", qname: "bad.example.", zone: "bad.example. 60 A 192.0.2.1", form: "nxdomain"},
		{corefile: "shadow", qname: "asked.example.", zone: "asked.example. 60 CNAME bad.example.", form: "nodata"},
		{corefile: "shadow", qname: "asked.example.", zone: "asked.example. 60 CNAME dark.example.", form: "nodata"},
		{qname: "asked.example.", zone: "asked.example. 60 MX 1 dark.example.\nadditional\ndark.example. 60 A 192.0.2.1"},
		{qname: "dark.example.", zone: "dark.example. 60 CNAME bad.example.", form: "nxdomain", blocked: true},
	} {
		now := noon
		h := newTestHandler(t, answerOrders, &now)
		if err := parse(controller("blocklist x.yaml {\n"+tc.corefile+"\n}"), "", &h.config); err != nil {
			t.Fatal(err)
		}
		h.Next = upstream(t, tc.zone)
		form := cmp.Or(tc.form, "nodata")
		counter := shadowRequests.WithLabelValues("", ".", "", form)
		before := testutil.ToFloat64(counter)
		ctx := metadata.ContextWithMetadata(context.Background())
		rec := dnstest.NewRecorder(&test.ResponseWriter{})
		h.ServeDNS(ctx, rec, new(dns.Msg).SetQuestion(tc.qname, dns.TypeA))
		if got := len(rec.Msg.Answer) == 0; got != tc.blocked {
			t.Errorf("%+v: got %v", tc, rec.Msg)
		}
		if got := testutil.ToFloat64(counter) - before; got != 1 && tc.form != "" || got != 0 && tc.form == "" {
			t.Errorf("%+v: counted %v times", tc, got)
		}
		if tc.form == "" {
			continue
		}
		want := map[bool]string{false: "shadow", true: "blocked"}[tc.blocked]
		if f := metadata.ValueFunc(ctx, "blocklist/verdict"); f == nil || f() != want {
			t.Errorf("%+v: verdict is not %s", tc, want)
		}
	}
}

func TestClientSubnet(t *testing.T) {
	const orders = "version: 1\norders:\n- {id: italy, scope: {countries: [IT]}, authority: {name: A}, targets: [italy.example, {name: soon.example, from: 2026-05-01T12:00:10Z}]}\n- {id: all, scope: global, authority: {name: A}, targets: [all.example]}\n"
	for _, tc := range []struct {
		name, qname, zone, peer, subnet string
		upstreamSubnet                  bool
		want                            string
	}{
		{name: "trusted, inside", qname: "italy.example.", peer: "10.0.0.1", subnet: "192.0.2.0/24", want: "NXDOMAIN 192.0.2.0/24/24"},
		{name: "trusted, outside", qname: "italy.example.", peer: "10.0.0.1", subnet: "203.0.113.0/24", want: "NOERROR 203.0.113.0/24/24"},
		{name: "trusted, wider than the network", qname: "italy.example.", peer: "10.0.0.1", subnet: "192.0.0.0/16", want: "NOERROR 192.0.0.0/16/16"},
		{name: "trusted, IPv6", qname: "italy.example.", peer: "10.0.0.1", subnet: "2001:db8::/48", want: "NXDOMAIN 2001:db8::/48/48"},
		{name: "trusted, no bits: the peer's own country", qname: "italy.example.", peer: "10.0.0.1", subnet: "0.0.0.0/0", want: "NXDOMAIN 0.0.0.0/0/0"},
		{name: "trusted, order for all", qname: "all.example.", peer: "10.0.0.1", subnet: "192.0.2.0/24", want: "NXDOMAIN"},
		{name: "trusted, no order", qname: "free.example.", peer: "10.0.0.1", subnet: "192.0.2.0/24", want: "NOERROR"},
		{name: "trusted, chain", qname: "free.example.", zone: "free.example. 1 CNAME italy.example.", peer: "10.0.0.1", subnet: "203.0.113.0/24", want: "NOERROR 203.0.113.0/24/24"},
		{name: "trusted, blocked chain", qname: "free.example.", zone: "free.example. 1 CNAME italy.example.", peer: "10.0.0.1", subnet: "192.0.2.0/24", want: "NOERROR 192.0.2.0/24/24"},
		{name: "upstream's own scope", qname: "italy.example.", peer: "10.0.0.1", subnet: "203.0.113.0/24", upstreamSubnet: true, want: "NOERROR 203.0.113.0/24/24"},
		{name: "stranger at home", qname: "italy.example.", peer: "192.0.2.9", subnet: "203.0.113.0/24", want: "NXDOMAIN"},
		{name: "stranger at home, no bits", qname: "italy.example.", peer: "192.0.2.9", subnet: "0.0.0.0/0", want: "NXDOMAIN"},
		{name: "stranger abroad", qname: "italy.example.", peer: "203.0.113.9", subnet: "192.0.2.0/24", want: "NOERROR"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			now := noon
			h := newTestHandler(t, orders, &now)
			if err := parse(controller("blocklist x.yaml {\ncountry IT 192.0.2.0/24 2001:db8::/32 10.0.0.0/8\ncountry FR 203.0.113.0/24\necs_from 10.0.0.0/8\n}"), "", &h.config); err != nil {
				t.Fatal(err)
			}
			if tc.zone == "" {
				tc.zone = tc.qname + " 60 A 192.0.2.80"
			}
			next := upstream(t, tc.zone)
			h.Next = plugin.HandlerFunc(func(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
				nw := nonwriter.New(w)
				next(ctx, nw, r)
				if tc.upstreamSubnet {
					nw.Msg.SetEdns0(1232, false)
					nw.Msg.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 24, Address: net.IP{203, 0, 113, 0}}}
				}
				return 0, w.WriteMsg(nw.Msg)
			})
			ip, x, _ := net.ParseCIDR(tc.subnet)
			bits, _ := x.Mask.Size()
			family := uint16(1)
			if ip.To4() == nil {
				family = 2
			}
			m := new(dns.Msg).SetQuestion(tc.qname, dns.TypeA)
			m.SetEdns0(1232, false)
			m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: family, SourceNetmask: uint8(bits), Address: ip}}
			rec := dnstest.NewRecorder(&from{ip: tc.peer})
			h.ServeDNS(context.Background(), rec, m)
			got := dns.RcodeToString[rec.Msg.Rcode]
			if o := rec.Msg.IsEdns0(); o != nil {
				for _, opt := range o.Option {
					if s, ok := opt.(*dns.EDNS0_SUBNET); ok {
						got += fmt.Sprintf(" %s/%d/%d", s.Address, s.SourceNetmask, s.SourceScope)
					}
				}
			}
			if got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestMetadata(t *testing.T) {
	const orders = `version: 1
defaults: {authority: {name: NCU}, scope: global}
orders:
- {id: open, targets: [open.example]}
- {id: sealed, disclosure: code, targets: [sealed.example]}
- {id: but, targets: [but.example], exempt: [10.0.0.0/8]}
- {id: late, targets: [late.example], exempt: [10.0.0.0/8]}
- {id: held, targets: [held.example]}
`
	leads := map[string]string{
		"to-open.example.": "open.example.", "to-but.example.": "www.but.example.", "but.example.": "late.example.",
		"to-held.example.": "held.example.", "to-free.example.": "free.example.",
	}
	for qname, want := range map[string]string{
		"open.example.":   "blocked open NCU",
		"sealed.example.": "blocked",
		"but.example.":    "exempt but NCU",
		"free.example.":   "",
		"held.example.":   "held held NCU",

		"to-open.example.": "blocked open NCU",
		"to-but.example.":  "exempt but NCU",
		"to-held.example.": "held held NCU",
		"to-free.example.": "",
	} {
		now := noon
		h := newTestHandler(t, orders, &now)
		held, _ := dname.Parse("held.example")
		h.store.Rules.Guard = protects{held: held}
		part := compile(t, orders).Parts()[0].Guarded(h.store.Rules.Guard)
		set := ruleset.Merge([]*ruleset.Part{part}, h.store.Rules)
		h.set = func() *ruleset.Set { return set }
		if to := leads[qname]; to != "" {
			h.Next = upstream(t, qname+" 60 CNAME "+to)
		}
		ctx := metadata.ContextWithMetadata(context.Background())
		h.ServeDNS(ctx, &from{ip: "10.0.0.1"}, new(dns.Msg).SetQuestion(qname, dns.TypeA))
		var got []string
		for _, label := range []string{"verdict", "order", "authority"} {
			if f := metadata.ValueFunc(ctx, "blocklist/"+label); f != nil {
				got = append(got, f())
			}
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s: got %q, want %q", qname, s, want)
		}
	}
}

func TestNoQuestionInReply(t *testing.T) {
	for zone, dropped := range map[string]bool{
		"asked.example. 60 A 192.0.2.1\nadditional\nbad.example. 60 A 192.0.2.2": true,
		"asked.example. 60 A 192.0.2.1\nadditional\nok.example. 60 A 192.0.2.2":  false,
	} {
		now := noon
		h := newTestHandler(t, answerOrders, &now)
		next := upstream(t, zone)
		h.Next = plugin.HandlerFunc(func(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
			nw := nonwriter.New(w)
			next(ctx, nw, r)
			nw.Msg.Question = nil
			return 0, w.WriteMsg(nw.Msg)
		})
		rec := dnstest.NewRecorder(&test.ResponseWriter{})
		h.ServeDNS(context.Background(), rec, new(dns.Msg).SetQuestion("asked.example.", dns.TypeA))
		if got := len(rec.Msg.Extra) == 0; got != dropped {
			t.Errorf("%s: got %v", zone, rec.Msg)
		}
	}
}
