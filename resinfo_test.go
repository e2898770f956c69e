package blocklist

import (
	"context"
	"strings"
	"testing"

	"github.com/coredns/coredns/plugin/pkg/dnstest"
	"github.com/coredns/coredns/plugin/test"
	"github.com/dns-orders/blocklist/plugin/directive"
	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/miekg/dns"
)

func testName(t testing.TB, s string) dname.Name {
	t.Helper()
	n, err := dname.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func resinfoOf(t *testing.T, orders string, lines ...string) *directive.Resinfo {
	t.Helper()
	var cfg config
	if err := parse(controller("blocklist "+orders+" {\n"+strings.Join(lines, "\n")+"\n}"), "", &cfg); err != nil {
		t.Fatal(err)
	}
	return cfg.resinfo
}

func TestResinfoStrings(t *testing.T) {
	for _, tc := range []struct{ orders, lines, want string }{
		{"a.yaml", "resinfo dns.example", "exterr=4,15-16"},
		{"dir/ names.txt", "resinfo https://dns.example/about", "exterr=4,15-16 infourl=https://dns.example/about"},
		{"names.txt more/*.TXT", "resinfo dns.example", "exterr=15"},
		{"names.txt", "resinfo dns.example\nresponse redirect 192.0.2.1", "exterr=4,15"},
		{"a.yaml", "resinfo 22 23 17", "exterr=4,15-17,22-23"},
		{"a.yaml", "resinfo 3-15 0 65535 5", "exterr=0,3-16,65535"},
		{"a.yaml", "resinfo 0-65535 65535", "exterr=0-65535"},
		{"a.yaml", "shadow\nresinfo 22", "exterr=22"},
		{"a.yaml", "resinfo https://dns.example/\nshadow", "infourl=https://dns.example/"},
	} {
		if got := strings.Join(resinfoOf(t, tc.orders, tc.lines).Strings, " "); got != tc.want {
			t.Errorf("%s, %s: got %s, want %s", tc.orders, tc.lines, got, tc.want)
		}
	}
}

func TestResinfo(t *testing.T) {
	now := noon
	h := newTestHandler(t, testOrders, &now)
	h.resinfo = resinfoOf(t, "a.yaml", "resinfo Dns.Example blocked.example https://dns.example/about")
	const record = "NOERROR exterr=4,15-16 infourl=https://dns.example/about"
	for _, tc := range []struct {
		qname         string
		qtype, qclass uint16
		want          string
	}{
		{qname: "dns.example.", want: record},
		{qname: "DNS.eXample.", want: record},
		{qname: "resolver.arpa.", want: record},
		{qname: "blocked.example.", want: record},
		{qname: "www.blocked.example.", want: "NXDOMAIN SOA blocked.example. 30"},
		{qname: "blocked.example.", qtype: dns.TypeA, want: "NXDOMAIN SOA blocked.example. 30"},
		{qname: "a.dns.example.", want: "NOERROR passed"},
		{qname: "example.", want: "NOERROR passed"},
		{qname: `dns\.example.`, want: "NOERROR passed"},
		{qname: "dns.example.", qtype: dns.TypeTXT, want: "NOERROR passed"},
		{qname: "resolver.arpa.", qtype: dns.TypeANY, want: "NOERROR passed"},
		{qname: "dns.example.", qclass: dns.ClassCHAOS, want: "NOERROR passed"},
	} {
		m := new(dns.Msg).SetQuestion(tc.qname, dns.TypeRESINFO)
		if tc.qtype != 0 {
			m.Question[0].Qtype = tc.qtype
		}
		if tc.qclass != 0 {
			m.Question[0].Qclass = tc.qclass
		}
		rec := dnstest.NewRecorder(&test.ResponseWriter{})
		if _, err := h.ServeDNS(context.Background(), rec, m); err != nil {
			t.Fatal(err)
		}
		if got := brief(rec.Msg); got != tc.want {
			t.Errorf("%s %s: got %s, want %s", tc.qname, dns.TypeToString[m.Question[0].Qtype], got, tc.want)
		}
		if tc.want == record && (rec.Msg.Answer[0].Header().Name != tc.qname || !rec.Msg.Authoritative || len(rec.Msg.Answer) != 1) {
			t.Errorf("%s: got %v", tc.qname, rec.Msg)
		}
	}
}

func TestResinfoMessage(t *testing.T) {
	now := noon
	h := newTestHandler(t, "version: 1\norders: []\n", &now)
	h.resinfo = resinfoOf(t, "a.yaml", "resinfo dns.example https://dns.example/"+strings.Repeat("a", 225))
	ask := func(edit func(*dns.Msg)) *dns.Msg {
		t.Helper()
		m := new(dns.Msg).SetQuestion("dns.example.", dns.TypeRESINFO)
		m.RecursionDesired = false
		edit(m)
		rec := dnstest.NewRecorder(&test.ResponseWriter{})
		if _, err := h.ServeDNS(context.Background(), rec, m); err != nil {
			t.Fatal(err)
		}
		return rec.Msg
	}
	m := ask(func(m *dns.Msg) {})
	if m.RecursionDesired || !m.RecursionAvailable || m.AuthenticatedData || m.IsEdns0() != nil || m.Len() > dns.MinMsgSize || m.Truncated {
		t.Errorf("without EDNS: %v", m)
	}
	m = ask(func(m *dns.Msg) { m.SetEdns0(1232, true); m.RecursionDesired, m.CheckingDisabled = true, true })
	if o := m.IsEdns0(); !m.RecursionDesired || !m.CheckingDisabled || o == nil || !o.Do() || len(o.Option) != 0 {
		t.Errorf("with EDNS: %v", m)
	}
	m = ask(func(m *dns.Msg) { m.Opcode = dns.OpcodeNotify })
	if len(m.Answer) == 1 && m.Answer[0].Header().Rrtype == dns.TypeRESINFO {
		t.Errorf("NOTIFY: %v", m)
	}
}
