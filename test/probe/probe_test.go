// Package probe contains tests of blocklistctl probe against servers.
package probe

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/template"
	_ "github.com/dns-orders/blocklist"
	"github.com/dns-orders/blocklist/plugin/answer"
	"github.com/dns-orders/blocklist/plugin/dnsclient"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/probe"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/test/coredns"
	"github.com/dns-orders/blocklist/test/port"
	"github.com/miekg/dns"
)

func TestMain(m *testing.M) {
	coredns.Prepare()
	os.Exit(m.Run())
}

const head = "version: 1\ndefaults: {authority: {name: A, country: IT}, scope: global}\norders:\n"

// orders has all kinds of orders, without a country.
const orders = head + `
- {id: tree, targets: [tree.example], except: [good.tree.example]}
- {id: exact, targets: [{name: www.shop.example, match: exact}]}
- {id: below, targets: ["*.below.example"]}
- {id: nodata, response: nodata, targets: [nodata.example]}
- {id: refused, response: refused, targets: [refused.example]}
- {id: page, response: {redirect: [192.0.2.80]}, targets: [page.example]}
- {id: code, disclosure: code, targets: [code.example]}
- {id: none, disclosure: none, targets: [none.example]}
- {id: lifted, issued: 2026-01-01, targets: [lifted.example, still.example]}
- {id: lift, action: lift, lifts: [lifted], issued: 2026-02-01, disclosure: full, targets: [lifted.example]}
- {id: ended, until: 2026-01-01, targets: [ended.example]}
`

func upstream(t *testing.T, answer func(m *dns.Msg, q dns.Question)) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, r *dns.Msg) {
		m := new(dns.Msg).SetReply(r)
		m.RecursionAvailable = true
		answer(m, r.Question[0])
		if r.IsEdns0() != nil && m.IsEdns0() == nil {
			m.SetEdns0(1232, false)
		}
		w.WriteMsg(m)
	})}
	go s.ActivateAndServe()
	t.Cleanup(func() { s.Shutdown() })
	return conn.LocalAddr().String()
}

// lives answers with an A record.
func lives(m *dns.Msg, q dns.Question) {
	h := dns.RR_Header{Name: q.Name, Class: dns.ClassINET, Ttl: 60}
	if q.Qtype == dns.TypeA {
		h.Rrtype = dns.TypeA
		m.Answer = []dns.RR{&dns.A{Hdr: h, A: net.IPv4(203, 0, 113, 1)}}
		return
	}
	h.Name, h.Rrtype = "example.", dns.TypeSOA
	m.Ns = []dns.RR{&dns.SOA{Hdr: h, Ns: "ns.example.", Mbox: "host.example.", Serial: 7, Minttl: 60}}
}

// dead answers that no name exists.
func dead(m *dns.Msg, q dns.Question) {
	q.Qtype = dns.TypeTXT
	lives(m, q)
	m.Rcode = dns.RcodeNameError
}

// load compiles an order file.
func load(t *testing.T, text string) *ruleset.Set {
	t.Helper()
	b := ruleset.NewBuilder("a.yaml", ruleset.Options{Response: order.Response{Kind: order.NXDOMAIN}})
	_, problems := order.Parse("a.yaml", strings.NewReader(text), order.Options{Emit: func(o *order.Order) { b.Add(o) }})
	if bad := problems.Errors(); len(bad) > 0 {
		t.Fatal(bad)
	}
	part, _ := b.Freeze()
	return ruleset.Merge([]*ruleset.Part{part}, ruleset.Options{})
}

// A probing asks a server about orders.
type probing struct {
	orders string
	exact  bool
	types  []uint16
	tls    *tls.Config
	tcp    bool
}

func (p probing) ask(t *testing.T, address string) (lines []string, right int) {
	t.Helper()
	set := load(t, p.orders)
	if p.types == nil {
		p.types = []uint16{dns.TypeA}
	}
	plan := probe.NewPlan(set, probe.Options{Now: order.FromTime(time.Now()), Types: p.types, Sealed: true})
	s, err := dnsclient.New(address, dnsclient.Options{Timeout: 2 * time.Second, TLS: p.tls, TCP: p.tcp, Tries: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	tick := make(chan time.Time)
	close(tick)
	results, err := probe.Run(context.Background(), s, plan.Questions, probe.RunOptions{
		Set: set, Rules: probe.Rules{Exact: p.exact, Answer: &answer.Config{TTL: 30 * time.Second}}, Now: time.Now, Tick: tick,
		Query: func(q *probe.Question) *dns.Msg {
			return new(dns.Msg).SetQuestion(q.Name.FQDN(), q.Type).SetEdns0(1232, false)
		},
	})
	if err != nil {
		lines = append(lines, err.Error())
	}
	for _, r := range results {
		if r.Outcome == probe.Right {
			right++
			continue
		}
		lines = append(lines, fmt.Sprintf("%s: %s %s: %s", r.Outcome, strings.Replace(r.Name.String(), "blocklist--any", "any", 1), dns.Type(r.Type), r.Why))
	}
	return lines, right
}

// These directives answer as lives and dead do.
const (
	liveZone = ` template IN A . {
  answer "{{ .Name }} 60 IN A 203.0.113.1"
 }
 template ANY ANY . {
  authority "example. 60 IN SOA ns.example. host.example. 7 1 1 1 60"
 }
`
	deadZone = ` template ANY ANY . {
  rcode NXDOMAIN
  authority "example. 60 IN SOA ns.example. host.example. 7 1 1 1 60"
 }
`
)

func start(t *testing.T, text, next string) string {
	t.Helper()
	number := port.Free(t)
	file := filepath.Join(t.TempDir(), "orders.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	coredns.Start(t, fmt.Sprintf(".:%s {\n bind 127.0.0.1\n blocklist %s\n%s}", number, file, next))
	return net.JoinHostPort("127.0.0.1", number)
}

// TestRight probes CoreDNS with the orders that it enforces.
func TestRight(t *testing.T) {
	for name, next := range map[string]string{"live": liveZone, "dead": deadZone} {
		addr := start(t, orders, next)
		for _, p := range []probing{
			{orders: orders, exact: true},
			{orders: orders, exact: true, types: []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeHTTPS}},
			{orders: orders, exact: true, tcp: true},
		} {
			if lines, right := p.ask(t, addr); len(lines) > 0 || right < 24 {
				t.Errorf("%s: %d right\n%s", name, right, strings.Join(lines, "\n"))
			}
		}
		lines, right := probing{orders: orders}.ask(t, addr)
		switch name {
		case "live":
			if len(lines) > 0 {
				t.Errorf("%d right\n%s", right, strings.Join(lines, "\n"))
			}
		case "dead":
			for _, l := range lines {
				if !strings.HasPrefix(l, "unclear: ") || !strings.HasSuffix(l, "NXDOMAIN, which cannot be told apart from a block") {
					t.Error(l)
				}
			}
			if len(lines) < 8 {
				t.Errorf("only %d unclear answers", len(lines))
			}
		}
	}
}

// TestWrong probes CoreDNS with other orders than it enforces.
func TestWrong(t *testing.T) {
	const real = "NOERROR with A 203.0.113.1"
	for _, tc := range []struct {
		name, has, wants string
		exact            bool
		want             []string
	}{
		{"a missing order", "", "- {id: a, targets: [a.example]}", false, []string{
			"wrong: a.example A: the name is not blocked: " + real, "wrong: any.a.example A: the name is not blocked: " + real}},
		{"a missing order, exact", "", "- {id: a, targets: [a.example]}", true, []string{
			"wrong: a.example A: " + real + ", and the order calls for NXDOMAIN", "wrong: any.a.example A: " + real + ", and the order calls for NXDOMAIN"}},
		{"an ended order", "- {id: a, targets: [a.example]}", "- {id: a, until: 2026-01-01, targets: [a.example]}", true, []string{
			"wrong: a.example A: the name is blocked, and no order blocks it: NXDOMAIN with the extended error 16 (Censored); or the name leads to a blocked name"}},
		{"a sealed order that is not ended", "- {id: a, disclosure: none, targets: [a.example]}", "- {id: a, until: 2026-01-01, targets: [a.example]}", true, []string{
			"wrong: a.example A: the name is blocked, and no order blocks it: NXDOMAIN with the SOA record of blocklist; or the name leads to a blocked name"}},
		{"a subtree for an exact target", "- {id: a, targets: [b.a.example]}", "- {id: a, targets: [{name: b.a.example, match: exact}]}", false, []string{
			"wrong: any.b.a.example A: the name is blocked, and no order blocks it: NXDOMAIN with the extended error 16 (Censored); or the name leads to a blocked name"}},
		{"the parent of an exact target", "- {id: a, targets: [a.example]}", "- {id: a, targets: [{name: b.a.example, match: exact}]}", false, []string{
			"wrong: any.b.a.example A: the name is blocked, and no order blocks it: NXDOMAIN with the extended error 16 (Censored); or the name leads to a blocked name",
			"wrong: a.example A: the name is blocked, and no order blocks it: NXDOMAIN with the extended error 16 (Censored); or the name leads to a blocked name",
			"wrong: any.a.example A: the name is blocked, and no order blocks it: NXDOMAIN with the extended error 16 (Censored); or the name leads to a blocked name"}},
		{"another response", "- {id: a, response: refused, targets: [a.example]}", "- {id: a, targets: [a.example]}", true, []string{
			"wrong: a.example A: REFUSED, and the order calls for NXDOMAIN", "wrong: any.a.example A: REFUSED, and the order calls for NXDOMAIN"}},
		{"another page", "- {id: a, response: {redirect: [192.0.2.1]}, targets: [a.example]}", "- {id: a, response: {redirect: [192.0.2.2]}, targets: [a.example]}", true, []string{
			"wrong: a.example A: NOERROR with A 192.0.2.1, and the order calls for NOERROR with A 192.0.2.2", "wrong: any.a.example A: NOERROR with A 192.0.2.1, and the order calls for NOERROR with A 192.0.2.2"}},
		{"a secret that is told", "- {id: a, targets: [a.example]}", "- {id: a, disclosure: none, targets: [a.example]}", true, []string{
			"wrong: a.example A: NXDOMAIN with the extended error 16 (Censored), which the order does not call for", "wrong: any.a.example A: NXDOMAIN with the extended error 16 (Censored), which the order does not call for"}},
		{"a missing extended error", "- {id: a, disclosure: none, targets: [a.example]}", "- {id: a, targets: [a.example]}", true, []string{
			"wrong: a.example A: NXDOMAIN without the extended error 16 (Censored)", "wrong: any.a.example A: NXDOMAIN without the extended error 16 (Censored)"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			has := tc.has
			if has == "" {
				has = "- {id: other, targets: [other.example]}"
			}
			lines, _ := probing{orders: head + tc.wants + "\n", exact: tc.exact}.ask(t, start(t, head+has+"\n", liveZone))
			if strings.Join(lines, "\n") != strings.Join(tc.want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(tc.want, "\n"))
			}
		})
	}
}

func TestOtherVendors(t *testing.T) {
	soa := func(m *dns.Msg, q dns.Question) { q.Qtype = dns.TypeTXT; lives(m, q) }
	address := func(ip string) func(*dns.Msg, dns.Question) {
		return func(m *dns.Msg, q dns.Question) {
			m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Name, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.ParseIP(ip)}}
		}
	}
	code := func(rcode int) func(*dns.Msg, dns.Question) {
		return func(m *dns.Msg, _ dns.Question) { m.Rcode = rcode }
	}
	const tail = ", which cannot be told apart from a name without data"
	for _, tc := range []struct {
		name   string
		answer func(*dns.Msg, dns.Question)
		want   string
	}{
		{"NXDOMAIN", dead, "unclear: a.example A: NXDOMAIN" + tail},
		{"NODATA", soa, "unclear: a.example A: NOERROR without records" + tail},
		{"a filter", func(m *dns.Msg, q dns.Question) {
			dead(m, q)
			m.SetEdns0(1232, false)
			m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: 17}}
		}, ""},
		{"a policy zone", func(m *dns.Msg, q dns.Question) { dead(m, q); m.Extra, m.Ns = m.Ns, nil }, ""},
		{"local data", func(m *dns.Msg, _ dns.Question) { m.Rcode, m.Authoritative = dns.RcodeNameError, true }, ""},
		{"zero", address("0.0.0.0"), ""},
		{"loopback", address("127.0.0.1"), "unclear: a.example A: NOERROR with A 127.0.0.1, an address of the client itself" + tail},
		{"the real answer", lives, "wrong: a.example A: the name is not blocked: NOERROR with A 203.0.113.1"},
		{"SERVFAIL", code(dns.RcodeServerFailure), "unclear: a.example A: SERVFAIL, which is neither a block nor an answer of the name"},
		{"REFUSED for all", code(dns.RcodeRefused), "unclear: a.example A: the server refused all questions, so it may refuse all queries of this machine"},
	} {
		lines, _ := probing{orders: head + "- {id: a, targets: [a.example]}\n"}.ask(t, upstream(t, tc.answer))
		got := ""
		if len(lines) > 0 {
			got = lines[0]
		}
		if got != tc.want {
			t.Errorf("%s: %q\nwant %q", tc.name, got, tc.want)
		}
	}
}

func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"dns.example.net"}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if c, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	pool.AddCert(c)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func TestTransports(t *testing.T) {
	cert, pool := certificate(t)
	var mu sync.Mutex
	queries := map[string]int{}
	count := func(network string) {
		mu.Lock()
		defer mu.Unlock()
		queries[network]++
	}
	handler := func(network string) dns.HandlerFunc {
		return func(w dns.ResponseWriter, r *dns.Msg) {
			count(network)
			m := new(dns.Msg).SetReply(r)
			dead(m, r.Question[0])
			m.SetEdns0(1232, false)
			m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: 15}}
			if network == "udp" {
				m.Truncated, m.Rcode, m.Ns, m.Extra = true, 0, nil, nil
			}
			w.WriteMsg(m)
		}
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	udp, err := net.ListenPacket("udp", tcp.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for network, s := range map[string]*dns.Server{"tls": {Listener: l}, "tcp": {Listener: tcp}, "udp": {PacketConn: udp}} {
		s.Handler = handler(network)
		go s.ActivateAndServe()
		t.Cleanup(func() { s.Shutdown() })
	}
	doh := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		count("https")
		body, _ := io.ReadAll(r.Body)
		q, m := new(dns.Msg), new(dns.Msg)
		if err := q.Unpack(body); err != nil || q.Id != 0 || r.URL.Path != "/dns-query" || r.Header.Get("Content-Type") != "application/dns-message" {
			t.Errorf("request %v %v %v", err, q, r)
		}
		m.SetReply(q)
		m.Rcode = dns.RcodeRefused
		m.SetEdns0(1232, false)
		m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: 15}}
		out, _ := m.Pack()
		w.Header().Set("Content-Type", "application/dns-message")
		w.Write(out)
	}))
	doh.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	doh.StartTLS()
	defer doh.Close()
	p := probing{orders: head + "- {id: a, targets: [a.example, b.example]}\n", tls: &tls.Config{RootCAs: pool}}
	for _, address := range []string{"tls://" + l.Addr().String(), "https://" + doh.Listener.Addr().String(), "@" + tcp.Addr().String()} {
		if lines, right := p.ask(t, address); len(lines) > 0 || right != 4 {
			t.Errorf("%s: %d right\n%s", address, right, strings.Join(lines, "\n"))
		}
	}
	if fmt.Sprint(queries) != "map[https:4 tcp:4 tls:4 udp:4]" {
		t.Errorf("queries %v", queries)
	}
	p.tls = nil // no trust in the certificate
	for _, address := range []string{"tls://" + l.Addr().String(), "https://" + doh.Listener.Addr().String()} {
		if lines, right := p.ask(t, address); right != 0 || len(lines) != 4 || !strings.Contains(lines[0], "no_answer: a.example A: tls: failed to verify certificate") {
			t.Errorf("%s: %d right\n%s", address, right, strings.Join(lines, "\n"))
		}
	}
}
