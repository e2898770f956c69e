package answer

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/miekg/dns"
)

func rrs(t testing.TB, zone string) (out []dns.RR) {
	t.Helper()
	for line := range strings.Lines(zone) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		rr, err := dns.NewRR(line)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, rr)
	}
	return out
}

func (l *Destination) String() string {
	switch {
	case l.Addr.IsValid():
		return l.Addr.String()
	case l.Name.Service > 0:
		return fmt.Sprintf("%s/%d", l.Name.Name(), l.Name.Service)
	}
	return l.Name.Name().String()
}

func leads(t testing.TB, m *dns.Msg, q dns.Question, addresses bool) (out []string) {
	t.Helper()
	unchanged(t, m, func() {
		for l := range Destinations(m, q, addresses) {
			out = append(out, l.String())
		}
		for range Destinations(m, q, addresses) {
			break // checks that a caller may stop early
		}
	})
	return out
}

func unchanged(t testing.TB, m *dns.Msg, f func()) {
	t.Helper()
	before, text := *m, m.String() // text is compared, because Copy shares the memory of some options
	sections := [][]dns.RR{slices.Clone(m.Answer), slices.Clone(m.Ns), slices.Clone(m.Extra)}
	f()
	if m.String() != text || m.MsgHdr != before.MsgHdr {
		t.Fatalf("the message changed:\n%v\nwas\n%s", m, text)
	}
	for i, s := range [][]dns.RR{m.Answer, m.Ns, m.Extra} {
		if !slices.Equal(s, sections[i]) {
			t.Fatalf("section %d has other records", i)
		}
	}
}

func TestDestinations(t *testing.T) {
	label := strings.Repeat("x", 63)
	for _, tc := range []struct {
		name, qname, qtype, zone, want string
		addresses                      bool
	}{
		{name: "nothing", zone: "q. 1 A 192.0.2.1"},
		{name: "chain", zone: "q. 1 CNAME a.\na. 1 CNAME b.\nb. 1 A 192.0.2.1", want: "a b"},
		{name: "chain backwards", zone: "b. 1 A 192.0.2.1\nb. 1 CNAME c.\na. 1 CNAME b.\nq. 1 CNAME a.", want: "a b c"},
		{name: "signatures between", zone: "q. 1 RRSIG CNAME 8 1 1 20300101000000 20200101000000 1 . AAAA\nq. 1 CNAME a.\na. 1 RRSIG A 8 1 1 20300101000000 20200101000000 1 . AAAA\na. 1 CNAME b.", want: "a b"},
		{name: "letter case", zone: "Q. 1 CNAME A.\na. 1 CNAME b.", want: "a b"},
		{name: "escapes", qname: `\113.`, zone: "q. 1 CNAME a\\.b.c.\n" + `a\046b.c. 1 CNAME x.`, want: `a\.b.c x`},
		{name: "a chain of others", zone: "a. 1 CNAME b."},
		{name: "two CNAMEs: a client may follow either", zone: "q. 1 CNAME a.\nq. 1 CNAME b.\nb. 1 CNAME c.\na. 1 CNAME c.", want: "a b c"},
		{name: "one CNAME twice", zone: "q. 1 CNAME a.\nq. 1 CNAME A.", want: "a"},
		{name: "two DNAMEs at one owner", qname: "x.q.", zone: "q. 1 DNAME a.\nq. 1 DNAME b.", want: "x.a x.b"},
		{name: "DNAMEs at two ancestors", qname: "x.y.q.", zone: "q. 1 DNAME a.\ny.q. 1 DNAME b.", want: "x.y.a x.b"},
		{name: "to the root", zone: "q. 1 CNAME .\n. 1 CNAME a."},
		{name: "root asked", qname: ".", zone: ". 1 CNAME a.\na. 1 CNAME b.", want: "a b"},

		{name: "DNAME", qname: "x.y.q.", zone: "q. 1 DNAME a.b.", want: "x.y.a.b"},
		{name: "DNAME of the root", qname: "x.q.", zone: ". 1 DNAME a.", want: dnamesOfRoot()},
		{name: "DNAME to the root", qname: "x.q.", zone: "q. 1 DNAME .", want: "x"},
		{name: "DNAME of the asked name", zone: "q. 1 DNAME a."},
		{name: "DNAME of a name that ends alike", qname: "x.qq.", zone: "q. 1 DNAME a."},
		{name: "DNAME with its CNAME", qname: "x.q.", zone: "q. 1 DNAME a.\nx.q. 1 CNAME x.a.\nx.a. 1 CNAME b.", want: "x.a b"},
		{name: "DNAME with another CNAME: stubs follow that, validators the DNAME", qname: "x.q.", zone: "q. 1 DNAME a.\nx.q. 1 CNAME bad.", want: "x.a bad"},
		{name: "DNAME of a link", qname: "x.q.", zone: "a. 1 DNAME b.\nx.q. 1 CNAME y.a.", want: "y.a y.b"},
		{name: "DNAME upper case", qname: "X.Q.", zone: "q. 1 DNAME A.", want: "x.a"},
		{name: "DNAME, an escaped dot is no border", qname: `x\.q.`, zone: "q. 1 DNAME a."},
		{name: "DNAME, 255 octets", qname: label + "." + label + "." + label + ".q.", zone: "q. 1 DNAME " + label[:61] + ".",
			want: label + "." + label + "." + label + "." + label[:61]},
		{name: "DNAME, more than 255 octets", qname: label + "." + label + "." + label + ".q.", zone: "q. 1 DNAME " + label[:62] + "."},
		{name: "DNAME above a service", qname: "_8443._https.x.q.", qtype: "HTTPS", zone: "q. 1 DNAME a.", want: "_8443._https.x.a/2"},
		{name: "DNAME within a service", qname: "_8443._https.q.", qtype: "HTTPS", zone: "_https.q. 1 DNAME a.", want: "_8443.a/1"},

		{name: "loop", zone: "q. 1 CNAME a.\na. 1 CNAME q.", want: "a"},
		{name: "32 links", zone: chain(32), want: links(32)},
		{name: "33 links", zone: chain(33), want: links(33)},
		{name: "far more links", zone: chain(200), want: links(200)},
		{name: "33 links, the last a DNAME's", zone: chain(31) + "l31. 1 CNAME x.d.\nd. 1 DNAME b.", want: links(31) + " x.d x.b b"},

		{name: "HTTPS alias", qtype: "HTTPS", zone: "q. 1 HTTPS 0 a.", want: "a"},
		{name: "HTTPS", qtype: "HTTPS", zone: "q. 1 HTTPS 1 a. alpn=h2 ipv4hint=192.0.2.1\nq. 1 HTTPS 2 .", want: "a"},
		{name: "HTTPS behind a chain", qtype: "HTTPS", zone: "q. 1 CNAME a.\na. 1 HTTPS 1 b.", want: "a b"},
		{name: "SVCB of a service", qname: "_dns.q.", qtype: "SVCB", zone: "_dns.q. 1 SVCB 1 _dns.a.", want: "_dns.a"},
		{name: "SVCB alias of a service", qname: "_dns.q.", qtype: "SVCB", zone: "_dns.q. 1 SVCB 0 _dns.a.", want: "_dns.a/1"},
		{name: "ANY", qname: "_https.q.", qtype: "ANY", zone: "_https.q. 1 A 192.0.2.1\n_https.q. 1 HTTPS 1 a.\nq. 1 HTTPS 1 b.", want: "_https.q/1 a b"},
		{name: "a chain for A is none for a service", qname: "_https.q.", zone: "_https.q. 1 CNAME _https.a.", want: "_https.a"},

		{name: "addresses", addresses: true, zone: "q. 1 CNAME a.\na. 1 A 192.0.2.1\na. 1 AAAA 2001:db8::1\na. 1 AAAA ::ffff:192.0.2.2", want: "a 192.0.2.1 2001:db8::1 192.0.2.2"},
		{name: "hints", addresses: true, qtype: "HTTPS", zone: "q. 1 HTTPS 1 a. ipv4hint=192.0.2.1,192.0.2.2 ipv6hint=2001:db8::1", want: "a 192.0.2.1 192.0.2.2 2001:db8::1"},
		{name: "an address of no octets", addresses: true, zone: "q. 1 A"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			q := dns.Question{Name: "q.", Qtype: dns.TypeA}
			if tc.qname != "" {
				q.Name = tc.qname
			}
			if tc.qtype != "" {
				q.Qtype = dns.StringToType[tc.qtype]
			}
			m := &dns.Msg{Answer: rrs(t, tc.zone)}
			got := strings.Join(leads(t, m, q, tc.addresses), " ")
			if got != tc.want {
				t.Errorf("\n got %s\nwant %s", got, tc.want)
			}
			if got != "" && !HasDestinations(m, q, tc.addresses) {
				t.Error("HasDestinations returns false")
			}
			for l := range Destinations(m, q, tc.addresses) {
				if !mayBe(m, q, tc.addresses, l) {
					t.Errorf("MayBeOrdered does not ask about %v %v", l.Name.Name(), l.Addr)
				}
			}
		})
	}
}

func mayBe(m *dns.Msg, q dns.Question, addresses bool, l *Destination) bool {
	return MayBeOrdered(m, q, addresses, func(name string) bool {
		var w dname.Wire
		return !l.Addr.IsValid() && w.Set(name) && w.Name() == l.Name.Name()
	}, func(a netip.Addr) bool { return a == l.Addr })
}

func chain(n int) string {
	var b strings.Builder
	from := "q."
	for i := range n {
		to := fmt.Sprintf("l%d.", i+1)
		fmt.Fprintf(&b, "%s 1 CNAME %s\n", from, to)
		from = to
	}
	return b.String()
}

func links(n int) string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("l%d", i+1))
	}
	return strings.Join(out, " ")
}

func dnamesOfRoot() string {
	var out []string
	for i := range 125 {
		out = append(out, "x.q"+strings.Repeat(".a", i+1))
	}
	for i := range dname.MaxLabels {
		out = append(out, "a"+strings.Repeat(".a", i))
	}
	return strings.Join(out, " ")
}

func TestLongChain(t *testing.T) {
	var decoys strings.Builder
	for i := range maxChain + 1 {
		fmt.Fprintf(&decoys, "www.q. 1 CNAME decoy%d.\n", i)
	}
	for _, tc := range []struct{ name, zone string }{
		{"a long chain before the DNAME", strings.ReplaceAll(chain(40), "q. ", "www.q. ") + "l40. 1 CNAME www.d.\nd. 1 DNAME t."},
		{"other CNAMEs beside the DNAME", decoys.String() + "q. 1 DNAME t."},
		{"the DNAME before other CNAMEs", "q. 1 DNAME d.\n" + decoys.String() + "d. 1 DNAME t."},
		{"several DNAMEs", decoys.String() + "q. 1 DNAME c.\nc. 1 DNAME d.\nd. 1 DNAME t."},
		{"a CNAME after the DNAME", decoys.String() + "q. 1 DNAME c.\nwww.c. 1 CNAME www.d.\nd. 1 DNAME t."},
	} {
		m := &dns.Msg{Answer: rrs(t, tc.zone)}
		got := leads(t, m, dns.Question{Name: "www.q.", Qtype: dns.TypeA, Qclass: dns.ClassINET}, false)
		if !slices.Contains(got, "www.t") {
			t.Errorf("%s: the answer leads to www.t, got %q", tc.name, got)
		}
		if slices.Sort(got); len(slices.Compact(slices.Clone(got))) < len(got) {
			t.Errorf("%s: a name is twice in %q", tc.name, got)
		}
	}
}

func twinDestinations(m *dns.Msg, qname string, most int) map[string]bool {
	split := func(s string) []string {
		var w dname.Wire
		if !w.Set(s) {
			return nil
		}
		labels := []string{}
		for k := w.NumLabels(); k > 0; k-- {
			labels = append(labels, string(w.Label(k)))
		}
		return labels
	}
	octets := func(labels []string) int { return len(strings.Join(labels, "\x00")) + 2 }
	found := map[string][]string{}
	add := func(labels []string) bool {
		key := strings.Join(labels, "\x00")
		_, had := found[key]
		if len(found) <= most {
			found[key] = labels
		}
		return !had
	}
	add(split(qname))
	for again := true; again && len(found) <= most; {
		again = false
		for _, at := range slices.Collect(maps.Values(found)) {
			for _, rr := range m.Answer {
				switch rr := rr.(type) {
				case *dns.CNAME:
					if slices.Equal(split(rr.Hdr.Name), at) {
						again = add(split(rr.Target)) || again
					}
				case *dns.DNAME:
					n := len(at) - len(split(rr.Hdr.Name))
					if n <= 0 || !slices.Equal(split(rr.Hdr.Name), at[n:]) {
						continue
					}
					if to := append(slices.Clone(at[:n]), split(rr.Target)...); octets(to) <= dname.MaxWire {
						again = add(to) || again
					}
				}
			}
		}
	}
	delete(found, strings.Join(split(qname), "\x00"))
	out := map[string]bool{}
	for key := range found {
		out[key] = true
	}
	return out
}

func joined(w *dname.Wire) string {
	var labels []string
	for k := w.NumLabels(); k > 0; k-- {
		labels = append(labels, string(w.Label(k)))
	}
	return strings.Join(labels, "\x00")
}

func FuzzDestinations(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x01\x02\x03\x04\x05\x06\x07\x08"))
	f.Fuzz(compareLeads)
}

func TestDestinationsAgainstTwin(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		data := make([]byte, 120)
		for i := range data {
			data[i] = byte(r.Uint32())
		}
		compareLeads(t, data)
	}
}

func compareLeads(t *testing.T, data []byte) {
	n := func(n int) int {
		if len(data) == 0 {
			return 0
		}
		v := int(data[0]) % n
		data = data[1:]
		return v
	}
	name := func() string {
		s := ""
		for range 1 + n(3) {
			s += []string{"a.", "b.", "B.", `\097.`, `a\.b.`, "_x.", strings.Repeat("l", 60) + "."}[n(7)]
		}
		return s
	}
	m := new(dns.Msg)
	for range n(12) {
		m.Answer = append(m.Answer, &dns.CNAME{Hdr: dns.RR_Header{Name: name(), Rrtype: dns.TypeCNAME}, Target: name()})
	}
	for range n(3) {
		d := &dns.DNAME{Hdr: dns.RR_Header{Name: name(), Rrtype: dns.TypeDNAME}, Target: name()}
		m.Answer = slices.Insert(m.Answer, n(len(m.Answer)+1), dns.RR(d))
	}
	for _, section := range []*[]dns.RR{&m.Answer, &m.Ns, &m.Extra} {
		for range n(4) {
			h := dns.RR_Header{Name: name(), Rrtype: dns.TypeA}
			var rr dns.RR = &dns.A{Hdr: h, A: net.IP{192, 0, 2, byte(n(3))}}
			if n(3) == 2 {
				h.Rrtype = dns.TypeHTTPS
				rr = &dns.HTTPS{SVCB: dns.SVCB{Hdr: h, Priority: uint16(n(2)), Target: name()}}
			}
			*section = append(*section, rr)
		}
	}
	q := dns.Question{Name: name(), Qtype: []uint16{dns.TypeA, dns.TypeDS}[n(2)]}
	var asked dname.Wire
	asked.Set(q.Name)
	Clean(m, true, func(l *Destination) bool {
		own := !l.Addr.IsValid() && l.Name.Service == 0 && l.Name.Name() == asked.Name() && q.Qtype != dns.TypeDS
		if !own && (!HasDestinations(m, q, true) || !mayBe(m, q, true, l)) {
			t.Fatalf("asked %s\n%v\nneither HasDestinations nor MayBeOrdered asks about %v", q.Name, m, l)
		}
		return false
	})
	want := twinDestinations(m, q.Name, 3*maxChain)
	hosts := map[dname.Name]bool{}
	for _, rr := range m.Answer {
		var w dname.Wire
		if s := service(rr); s != nil && w.Set(s.Target) {
			hosts[w.Name()] = true
			delete(want, joined(&w))
		}
	}
	got := map[string]bool{}
	for l := range Destinations(m, q, true) {
		if !mayBe(m, q, true, l) {
			t.Fatalf("asked %s\n%v\nMayBeOrdered does not ask about %v", q.Name, m.Answer, l.Name.Name())
		}
		if l.Addr.IsValid() || hosts[l.Name.Name()] {
			continue // twinDestinations does not follow HTTPS records
		}
		got[joined(&l.Name.Wire)] = true
	}
	if len(want) > maxChain {
		for name := range want {
			if !got[name] && len(want) < 3*maxChain {
				t.Fatalf("asked %s\n%v\n got %v\nwant %q too", q.Name, m.Answer, got, name)
			}
		}
		return
	}
	if !maps.Equal(got, want) {
		t.Fatalf("asked %s\n%v\n got %v\nwant %v", q.Name, m.Answer, got, want)
	}
}

func TestClean(t *testing.T) {
	const extra = `ok. 1 A 192.0.2.1
		bad. 1 A 192.0.2.2
		bad. 1 RRSIG A 8 1 1 20300101000000 20200101000000 1 . AAAA
		BAD. 1 AAAA 2001:db8::1
		bad. 1 TXT x
		bad. 1 RRSIG TXT 8 1 1 20300101000000 20200101000000 1 . AAAA
		part. 1 A 192.0.2.3
		part. 1 A 45.45.45.45
		part. 1 RRSIG A 8 1 1 20300101000000 20200101000000 1 . AAAA
		part. 1 AAAA 2001:db8::3
		svc. 1 HTTPS 1 bad.
		_1._https.srv. 1 HTTPS 1 _1._https.bad.
		_1._https.alias. 1 HTTPS 0 _1._https.bad.
		svc. 1 RRSIG HTTPS 8 1 1 20300101000000 20200101000000 1 . AAAA
		hint. 1 SVCB 1 . ipv4hint=45.45.45.45
		ok. 1 AAAA 2001:db8::4
		bad. 1 CNAME elsewhere.
		bad. 1 RRSIG CNAME 8 1 1 20300101000000 20200101000000 1 . AAAA
		bad. 1 DNAME elsewhere.
		ok. 1 CNAME bad.`
	m := &dns.Msg{Answer: rrs(t, "q. 1 MX 1 bad."), Extra: rrs(t, extra)}
	m.SetEdns0(1232, true)
	drop := func(l *Destination) bool {
		return l.Addr == netip.MustParseAddr("45.45.45.45") || !l.Addr.IsValid() && (l.String() == "bad" || l.String() == "_1._https.bad/2")
	}
	for _, tc := range []struct {
		addresses bool
		want      string
	}{
		{false, "ok. A; bad. TXT; bad. RRSIG; part. A; part. A; part. RRSIG; part. AAAA; _1._https.srv. HTTPS; hint. SVCB; ok. AAAA; ok. CNAME; . OPT"},
		{true, "ok. A; bad. TXT; bad. RRSIG; part. AAAA; _1._https.srv. HTTPS; ok. AAAA; ok. CNAME; . OPT"},
	} {
		var out *dns.Msg
		unchanged(t, m, func() { out = Clean(m, tc.addresses, drop) })
		var got []string
		for _, rr := range out.Extra {
			got = append(got, rr.Header().Name+" "+dns.TypeToString[rr.Header().Rrtype])
		}
		if s := strings.Join(got, "; "); s != tc.want {
			t.Errorf("\n got %s\nwant %s", s, tc.want)
		}
		unchanged(t, m, func() { out.Extra[0] = nil })
	}
	if out := Clean(m, true, func(*Destination) bool { return false }); out != m {
		t.Error("a message was copied without need")
	}
	for _, tc := range []struct{ answer, ns string }{{extra, ""}, {"", extra}, {extra, extra}} {
		m := &dns.Msg{Answer: rrs(t, tc.answer), Ns: rrs(t, tc.ns), Extra: rrs(t, extra)}
		var out *dns.Msg
		unchanged(t, m, func() { out = Clean(m, true, drop) })
		for _, rr := range slices.Concat(out.Answer, out.Ns, out.Extra) {
			if h := rr.Header(); strings.EqualFold(h.Name, "bad.") && h.Rrtype != dns.TypeTXT && setOf(rr).typ != dns.TypeTXT {
				t.Errorf("%v is still there", rr)
			}
		}
		if len(tc.answer) > 0 && len(out.Answer) != len(out.Extra) || len(tc.ns) > 0 && len(out.Ns) != len(out.Extra) {
			t.Errorf("%d, %d and %d records are left", len(out.Answer), len(out.Ns), len(out.Extra))
		}
	}
}
