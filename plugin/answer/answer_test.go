package answer

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

var now = time.Unix(1_780_000_000, 0)

var (
	v4 = netip.MustParseAddr("192.0.2.1")
	v6 = netip.MustParseAddr("2001:db8::1")
)

const sdeCode = 65001

func config() *Config { return &Config{TTL: 30 * time.Second, SDEOption: sdeCode} }

func verdict(kind order.ResponseKind, edit ...func(*ruleset.Verdict, *order.Terms)) ruleset.Verdict {
	terms := &order.Terms{Authority: order.Authority{Name: "NCU"}, TTL: -1}
	v := ruleset.Verdict{
		Order:        &ruleset.Order{ID: "ncu-1", Reference: "914/2719", Common: &ruleset.Common{Terms: terms}},
		Response:     order.Response{Kind: kind},
		TargetLabels: 2,
		Match:        order.Subtree,
		Until:        ruleset.Forever,
	}
	if kind == order.Redirect {
		v.Response.Addresses = []netip.Addr{v4, v6}
	}
	for _, e := range edit {
		e(&v, terms)
	}
	return v
}

func below(b ruleset.SubtreeOutcome) func(*ruleset.Verdict, *order.Terms) {
	return func(v *ruleset.Verdict, _ *order.Terms) { v.Subtree = b }
}

func disclosure(d order.Disclosure) func(*ruleset.Verdict, *order.Terms) {
	return func(_ *ruleset.Verdict, t *order.Terms) { t.Disclosure = d }
}

func operator(_ *ruleset.Verdict, t *order.Terms) { t.Authority.Kind = order.KindOperator }

func to(addrs ...netip.Addr) func(*ruleset.Verdict, *order.Terms) {
	return func(v *ruleset.Verdict, _ *order.Terms) { v.Response.Addresses = addrs }
}

func query(t testing.TB, name string, qtype uint16, edit ...func(*dns.Msg)) *dns.Msg {
	t.Helper()
	m := new(dns.Msg).SetQuestion(name, qtype)
	m.Id = 4711
	for _, e := range edit {
		e(m)
	}
	got := new(dns.Msg)
	if err := got.Unpack(pack(t, m)); err != nil {
		t.Fatal(err)
	}
	return got
}

func edns(m *dns.Msg) { m.SetEdns0(1232, false) }

func option(o dns.EDNS0) func(*dns.Msg) {
	return func(m *dns.Msg) {
		if m.IsEdns0() == nil {
			edns(m)
		}
		m.IsEdns0().Option = append(m.IsEdns0().Option, o)
	}
}

func signal(m *dns.Msg) { option(&dns.EDNS0_LOCAL{Code: sdeCode})(m) }

func class(c uint16) func(*dns.Msg) { return func(m *dns.Msg) { m.Question[0].Qclass = c } }

func pack(t testing.TB, m *dns.Msg) []byte {
	t.Helper()
	b, err := m.Pack()
	if err != nil {
		t.Fatalf("pack: %v\n%v", err, m)
	}
	return slices.Clone(b)
}

func ede(t testing.TB, m *dns.Msg) *dns.EDNS0_EDE {
	t.Helper()
	opt := m.IsEdns0()
	if opt == nil || len(opt.Option) == 0 {
		return nil
	}
	if len(opt.Option) > 1 {
		t.Fatalf("more than one option in the answer: %v", opt)
	}
	e, ok := opt.Option[0].(*dns.EDNS0_EDE)
	if !ok {
		t.Fatalf("an option that is no EDE in the answer: %v", opt)
	}
	return e
}

func brief(t testing.TB, m *dns.Msg) string {
	t.Helper()
	s := []string{dns.RcodeToString[m.Rcode]}
	for _, rr := range append(slices.Clone(m.Answer), m.Ns...) {
		s = append(s, strings.Join(strings.Fields(rr.String()), " "))
	}
	if m.IsEdns0() != nil {
		s = append(s, "opt")
	}
	if e := ede(t, m); e != nil {
		s = append(s, fmt.Sprintf("%d %q", e.InfoCode, e.ExtraText))
	}
	return strings.Join(s, "; ")
}

func TestTable(t *testing.T) {
	const (
		soa      = "; example.com. 30 IN SOA . . 1 3600 600 86400 30"
		asked    = "; www.example.com. 30 IN SOA . . 1 3600 600 86400 30"
		a        = "; www.example.com. 30 IN A 192.0.2.1"
		aaaa     = "; www.example.com. 30 IN AAAA 2001:db8::1"
		sentence = `"Blocked by order 914/2719 of NCU"`
		json     = `"{\"j\":\"Blocked by order 914/2719 of NCU\",\"l\":\"en\"}"`
		name     = "www.example.com."
	)
	old := option(&dns.EDNS0_EDE{})
	const A, AAAA, any = dns.TypeA, dns.TypeAAAA, dns.TypeANY
	for _, tt := range []struct {
		what  string
		v     ruleset.Verdict
		q     *dns.Msg
		label string
		want  string
	}{
		{"nxdomain", verdict(order.NXDOMAIN), query(t, name, A, edns), "nxdomain", "NXDOMAIN" + soa + "; opt; 16 " + sentence},
		{"nxdomain, no EDNS", verdict(order.NXDOMAIN), query(t, name, A), "nxdomain", "NXDOMAIN" + soa},
		{"nxdomain, signal", verdict(order.NXDOMAIN), query(t, name, A, signal), "nxdomain", "NXDOMAIN" + soa + "; opt; 16 " + json},
		{"nxdomain, older signal", verdict(order.NXDOMAIN), query(t, name, A, old), "nxdomain", "NXDOMAIN" + soa + "; opt; 16 " + json},
		{"nxdomain, ANY", verdict(order.NXDOMAIN), query(t, name, any), "nxdomain", "NXDOMAIN" + soa},
		{"nxdomain, class ANY", verdict(order.NXDOMAIN), query(t, name, A, class(dns.ClassANY)), "nxdomain", "NXDOMAIN" + soa},
		{"nxdomain, other answers below", verdict(order.NXDOMAIN, below(ruleset.SubtreeBlocked)), query(t, name, A, edns), "nodata", "NOERROR" + soa + "; opt; 16 " + sentence},
		{"nxdomain, passing names below", verdict(order.NXDOMAIN, below(ruleset.SubtreePasses)), query(t, name, A, edns), "nodata", "NOERROR" + soa + "; opt; 16 " + sentence},
		{"nxdomain, passing names below, signal", verdict(order.NXDOMAIN, below(ruleset.SubtreePasses)), query(t, name, A, signal), "nodata", "NOERROR" + soa + "; opt; 16 " + json},
		{"nxdomain, operator", verdict(order.NXDOMAIN, operator), query(t, name, A, edns), "nxdomain", "NXDOMAIN" + soa + "; opt; 15 " + sentence},
		{"nxdomain, operator, signal", verdict(order.NXDOMAIN, operator), query(t, name, A, signal), "nxdomain", "NXDOMAIN" + soa + "; opt; 15 " + json},

		{"nodata", verdict(order.NODATA), query(t, name, A, edns), "nodata", "NOERROR" + soa + "; opt; 16 " + sentence},
		{"nodata, no EDNS", verdict(order.NODATA), query(t, name, dns.TypeMX), "nodata", "NOERROR" + soa},
		{"nodata, signal", verdict(order.NODATA), query(t, name, A, signal), "nodata", "NOERROR" + soa + "; opt; 16 " + json},
		{"no response is nodata", verdict(order.ResponseUnset), query(t, name, A), "nodata", "NOERROR" + soa},

		{"refused", verdict(order.Refused), query(t, name, A, edns), "refused", "REFUSED; opt; 16 " + sentence},
		{"refused, no EDNS", verdict(order.Refused), query(t, name, A), "refused", "REFUSED"},
		{"refused, signal", verdict(order.Refused), query(t, name, A, signal), "refused", "REFUSED; opt; 16 " + json},
		{"refused, operator", verdict(order.Refused, operator), query(t, name, A, edns), "refused", "REFUSED; opt; 15 " + sentence},

		{"redirect A", verdict(order.Redirect), query(t, name, A, edns), "redirect", "NOERROR" + a + "; opt; 4 " + sentence},
		{"redirect A, no EDNS", verdict(order.Redirect), query(t, name, A), "redirect", "NOERROR" + a},
		{"redirect A, signal", verdict(order.Redirect), query(t, name, A, signal), "redirect", "NOERROR" + a + "; opt; 16 " + json},
		{"redirect A, older signal", verdict(order.Redirect), query(t, name, A, old), "redirect", "NOERROR" + a + "; opt; 16 " + json},
		{"redirect A, operator", verdict(order.Redirect, operator), query(t, name, A, edns), "redirect", "NOERROR" + a + "; opt; 4 " + sentence},
		{"redirect A, operator, signal", verdict(order.Redirect, operator), query(t, name, A, signal), "redirect", "NOERROR" + a + "; opt; 15 " + json},
		{"redirect A, class ANY", verdict(order.Redirect), query(t, name, A, class(dns.ClassANY)), "redirect", "NOERROR" + a},
		{"redirect AAAA", verdict(order.Redirect), query(t, name, AAAA, edns), "redirect", "NOERROR" + aaaa + "; opt; 4 " + sentence},
		{"redirect A, names below", verdict(order.Redirect, below(ruleset.SubtreePasses)), query(t, name, A), "redirect", "NOERROR" + a},
		{"redirect, no such family", verdict(order.Redirect, to(v4)), query(t, name, AAAA, edns), "nodata", "NOERROR" + soa + "; opt; 16 " + sentence},
		{"redirect, no such family, operator", verdict(order.Redirect, to(v6), operator), query(t, name, A, edns), "nodata", "NOERROR" + soa + "; opt; 15 " + sentence},
		{"redirect, 4-in-6", verdict(order.Redirect, to(netip.MustParseAddr("::ffff:192.0.2.1"))), query(t, name, A), "redirect", "NOERROR" + a},
		{"redirect, 4-in-6 is not v6", verdict(order.Redirect, to(netip.MustParseAddr("::ffff:192.0.2.1"))), query(t, name, AAAA), "nodata", "NOERROR" + soa},
		{"redirect, all of the family", verdict(order.Redirect, to(v4, v6, netip.MustParseAddr("192.0.2.9"))), query(t, name, A), "redirect", "NOERROR" + a + "; www.example.com. 30 IN A 192.0.2.9"},
		{"redirect HTTPS", verdict(order.Redirect), query(t, name, dns.TypeHTTPS, edns), "nodata", "NOERROR" + soa + "; opt; 16 " + sentence},
		{"redirect HTTPS, signal", verdict(order.Redirect), query(t, name, dns.TypeHTTPS, signal), "nodata", "NOERROR" + soa + "; opt; 16 " + json},
		{"redirect SVCB", verdict(order.Redirect), query(t, name, dns.TypeSVCB), "nodata", "NOERROR" + soa},
		{"redirect MX", verdict(order.Redirect), query(t, name, dns.TypeMX), "nodata", "NOERROR" + soa},
		{"redirect TXT", verdict(order.Redirect), query(t, name, dns.TypeTXT), "nodata", "NOERROR" + soa},
		{"redirect CNAME", verdict(order.Redirect), query(t, name, dns.TypeCNAME), "nodata", "NOERROR" + soa},
		{"redirect ANY", verdict(order.Redirect), query(t, name, any), "nodata", "NOERROR" + soa},
		{"redirect unknown type", verdict(order.Redirect), query(t, name, 65280), "nodata", "NOERROR" + soa},

		{"schedule", verdict(order.NXDOMAIN, disclosure(order.Schedule)), query(t, name, A, edns), "nxdomain", "NXDOMAIN" + soa + "; opt; 16 " + sentence},
		{"schedule, signal", verdict(order.NXDOMAIN, disclosure(order.Schedule)), query(t, name, A, signal), "nxdomain", "NXDOMAIN" + soa + "; opt; 16 " + json},
		{"code", verdict(order.NXDOMAIN, disclosure(order.Code)), query(t, name, A, edns), "nxdomain", "NXDOMAIN" + asked + `; opt; 16 ""`},
		{"code, signal", verdict(order.NXDOMAIN, disclosure(order.Code)), query(t, name, A, signal), "nxdomain", "NXDOMAIN" + asked + `; opt; 16 ""`},
		{"code, operator", verdict(order.NODATA, disclosure(order.Code), operator), query(t, name, A, edns), "nodata", "NOERROR" + asked + `; opt; 15 ""`},
		{"code, refused", verdict(order.Refused, disclosure(order.Code)), query(t, name, A, edns), "refused", `REFUSED; opt; 16 ""`},
		{"code, redirect", verdict(order.Redirect, disclosure(order.Code)), query(t, name, A, edns), "redirect", "NOERROR" + a + `; opt; 4 ""`},
		{"code, redirect, signal", verdict(order.Redirect, disclosure(order.Code)), query(t, name, A, signal), "redirect", "NOERROR" + a + `; opt; 16 ""`},
		{"code, redirect HTTPS", verdict(order.Redirect, disclosure(order.Code)), query(t, name, dns.TypeHTTPS, edns), "nodata", "NOERROR" + asked + `; opt; 16 ""`},
		{"none", verdict(order.NXDOMAIN, disclosure(order.None)), query(t, name, A, edns), "nxdomain", "NXDOMAIN" + asked + "; opt"},
		{"none, signal", verdict(order.NXDOMAIN, disclosure(order.None)), query(t, name, A, signal), "nxdomain", "NXDOMAIN" + asked + "; opt"},
		{"none, redirect", verdict(order.Redirect, disclosure(order.None)), query(t, name, A, edns), "redirect", "NOERROR" + a + "; opt"},
		{"none, no EDNS", verdict(order.NXDOMAIN, disclosure(order.None)), query(t, name, A), "nxdomain", "NXDOMAIN" + asked},

		{"through a chain", ForAlias(verdict(order.NXDOMAIN)), query(t, name, A, edns), "nodata", "NOERROR" + asked + "; opt; 16 " + sentence},
		{"through a chain, redirect", ForAlias(verdict(order.Redirect)), query(t, name, A, edns), "redirect", "NOERROR" + a + "; opt; 4 " + sentence},
		{"through a chain, refused", ForAlias(verdict(order.Refused)), query(t, name, A), "refused", "REFUSED"},
	} {
		t.Run(tt.what, func(t *testing.T) {
			got := Build(tt.q, 1232, tt.v, now, config())
			if s := brief(t, got); s != tt.want {
				t.Errorf("answer\n got %s\nwant %s", s, tt.want)
			}
			if l := Label(tt.v, tt.q.Question[0].Qtype); l != tt.label {
				t.Errorf("label %q, want %q", l, tt.label)
			}
			if len(got.Question) != 1 || got.Question[0] != tt.q.Question[0] {
				t.Errorf("question %v, want %v", got.Question, tt.q.Question)
			}
			pack(t, got)
		})
	}
}

func TestForAliasKeeps(t *testing.T) {
	if b := ForAlias(verdict(order.NXDOMAIN, below(ruleset.SubtreePasses))).Subtree; b != ruleset.SubtreePasses {
		t.Errorf("below became %d", b)
	}
}

func TestPasses(t *testing.T) {
	for _, tt := range []struct {
		qtype uint16
		below ruleset.SubtreeOutcome
		want  bool
	}{
		{dns.TypeDS, ruleset.SubtreeNXDOMAIN, true},
		{dns.TypeDS, ruleset.SubtreeBlocked, true},
		{dns.TypeDS, ruleset.SubtreePasses, true},
		{dns.TypeDNSKEY, ruleset.SubtreeNXDOMAIN, false},
		{dns.TypeDNSKEY, ruleset.SubtreeBlocked, false},
		{dns.TypeDNSKEY, ruleset.SubtreePasses, true},
		{dns.TypeA, ruleset.SubtreePasses, false},
		{dns.TypeNS, ruleset.SubtreePasses, false},
		{dns.TypeCDS, ruleset.SubtreePasses, false},
		{dns.TypeANY, ruleset.SubtreePasses, false},
	} {
		if got := Passes(tt.qtype, tt.below); got != tt.want {
			t.Errorf("Passes(%s, %d) = %t, want %t", dns.TypeToString[tt.qtype], tt.below, got, tt.want)
		}
	}
}

func TestFlags(t *testing.T) {
	for bits := range 1 << 7 {
		on := func(i int) bool { return bits>>i&1 == 1 }
		q := query(t, "example.com.", dns.TypeA, func(m *dns.Msg) {
			m.RecursionDesired, m.CheckingDisabled = on(0), on(1)
			m.AuthenticatedData, m.Authoritative = on(2), on(3)
			m.RecursionAvailable, m.Truncated, m.Zero = on(4), on(5), on(6)
		})
		got := Build(q, 1232, verdict(order.NXDOMAIN), now, config())
		want := dns.MsgHdr{
			Id: 4711, Response: true, Opcode: dns.OpcodeQuery, Rcode: dns.RcodeNameError,
			RecursionDesired: on(0), RecursionAvailable: true, CheckingDisabled: on(1),
		}
		if got.MsgHdr != want {
			t.Errorf("query %v\n got %v\nwant %v", q.MsgHdr.String(), got.MsgHdr.String(), want.String())
		}
	}
}

func TestOPT(t *testing.T) {
	for _, tt := range []struct {
		size, want uint16
		do         bool
	}{{1232, 1232, false}, {4096, 4096, true}, {512, 512, true}, {0, 512, false}, {100, 512, true}, {65535, 65535, false}} {
		q := query(t, "example.com.", dns.TypeA, func(m *dns.Msg) {
			m.SetEdns0(tt.size, tt.do)
			o := m.IsEdns0()
			o.SetVersion(1)
			o.SetZ(0x1234)
			o.SetCo()
			o.Option = []dns.EDNS0{
				&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0123456789abcdef"},
				&dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 24, Address: []byte{192, 0, 2, 0}},
				&dns.EDNS0_PADDING{Padding: make([]byte, 16)},
				&dns.EDNS0_LOCAL{Code: sdeCode + 1, Data: []byte("x")},
			}
		})
		got := Build(q, 1232, verdict(order.NXDOMAIN, disclosure(order.None)), now, config())
		want := &dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT, Class: tt.want}}
		if tt.do {
			want.SetDo()
		}
		if len(got.Extra) != 1 || got.Extra[0].String() != want.String() || got.Extra[0].Header().Ttl != want.Hdr.Ttl {
			t.Errorf("size %d, do %t: got %v, want %v", tt.size, tt.do, got.Extra, want)
		}
	}
}

func TestOwner(t *testing.T) {
	long := strings.Repeat(strings.Repeat("Ab", 31)+".", 3) + strings.Repeat("c", 61) + "."
	for _, name := range []string{
		".", "com.", "example.com.", "WwW.ExAmPlE.CoM.", `a\.b.example.`, `a\\.b.example.`, `\\\..b\\\\.c.`,
		`\000.example.`, `\000\001\.\255.x.`, `a\.\..\..b.`, `\\000.com.`, `\ \(\;.\@.`, long,
		strings.Repeat("a.", 127),
	} {
		q := query(t, name, dns.TypeA)
		var w dname.Wire
		if !w.Set(q.Question[0].Name) {
			t.Fatalf("no name: %q", name)
		}
		for k := range w.NumLabels() + 1 {
			v := verdict(order.NODATA, func(v *ruleset.Verdict, _ *order.Terms) { v.TargetLabels = k })
			m := Build(q, 512, v, now, config())
			owner := m.Ns[0].Header().Name
			var got dname.Wire
			if !got.Set(owner) || !bytes.Equal(got.Suffix(got.NumLabels()), w.Suffix(k)) {
				t.Errorf("%q, %d labels: owner %q, want %q", name, k, owner, w.Ancestor(k).FQDN())
			}
			if !strings.HasSuffix(q.Question[0].Name, owner) {
				t.Errorf("%q, %d labels: owner %q is spelled otherwise", name, k, owner)
			}
			if b, want := pack(t, m), 12+len(w.Suffix(w.NumLabels()))+4+34; len(b) > want {
				t.Errorf("%q, %d labels: %d octets, want at most %d", name, k, len(b), want)
			}
		}
	}
}

func TestLetterCase(t *testing.T) {
	const name = "wWw.eXample.COM."
	if got := brief(t, Build(query(t, name, dns.TypeA), 512, verdict(order.Redirect), now, config())); got != "NOERROR; wWw.eXample.COM. 30 IN A 192.0.2.1" {
		t.Error(got)
	}
	if got := brief(t, Build(query(t, name, dns.TypeA), 512, verdict(order.NODATA), now, config())); got != "NOERROR; eXample.COM. 30 IN SOA . . 1 3600 600 86400 30" {
		t.Error(got)
	}
}

func TestRequestUntouched(t *testing.T) {
	for _, v := range []ruleset.Verdict{verdict(order.NXDOMAIN), verdict(order.Redirect), verdict(order.Refused)} {
		q := query(t, "www.example.com.", dns.TypeA, signal, option(&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0123456789abcdef"}))
		q.IsEdns0().SetUDPSize(100)
		addrs := slices.Clone(v.Response.Addresses)
		before := pack(t, q)
		m := Build(q, 512, v, now, config())
		if !bytes.Equal(before, pack(t, q)) {
			t.Error("the request changed")
		}
		m.Question[0].Name = "x."
		for _, rr := range slices.Concat(m.Answer, m.Ns, m.Extra) {
			*rr.Header() = dns.RR_Header{Name: "x.", Rrtype: rr.Header().Rrtype}
			switch rr := rr.(type) {
			case *dns.A:
				clear(rr.A)
			case *dns.OPT:
				clear(rr.Option)
			}
		}
		if !bytes.Equal(before, pack(t, q)) {
			t.Error("the request shares memory with the answer")
		}
		if !slices.Equal(addrs, v.Response.Addresses) {
			t.Error("the order shares memory with the answer")
		}
	}
}

func TestFormOfEachKind(t *testing.T) {
	n := 0
	for k := order.ResponseUnset + 1; !strings.Contains(k.String(), "("); k++ {
		if got := form(verdict(k), dns.TypeA); got != k {
			t.Errorf("form gives %s to a query of type A for response %s", got, k)
		}
		n++
	}
	if n < 4 {
		t.Errorf("%d kinds of responses, there are 4 at least", n)
	}
}
