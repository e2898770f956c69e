package blocklist

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/metadata"
	"github.com/coredns/coredns/plugin/pkg/dnstest"
	"github.com/coredns/coredns/plugin/test"
	"github.com/dns-orders/blocklist/plugin/answer"
	"github.com/dns-orders/blocklist/plugin/directive"
	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/hits"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/miekg/dns"
	"github.com/opentracing/opentracing-go"
	"github.com/opentracing/opentracing-go/mocktracer"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

const testOrders = `version: 1
defaults: {authority: {name: NCU, country: UA, kind: regulator}, scope: global}
orders:
- {id: sub, references: [914/2719], targets: [blocked.example]}
- {id: exact, targets: [{name: exact.example, match: exact}]}
- {id: below, targets: ["*.below.example"]}
- {id: redirect, response: {redirect: [192.0.2.1, "2001:db8::1"]}, targets: [redirect.example]}
- {id: refused, response: refused, targets: [refused.example]}
- {id: nodata, response: nodata, targets: [nodata.example]}
- {id: operator, authority: {name: Us, kind: operator}, targets: [ours.example]}
- {id: quiet, disclosure: none, targets: [quiet.example]}
- {id: later, from: 2026-05-01T12:00:10Z, targets: [later.example]}
- {id: ending, until: 2026-05-01T12:00:10Z, targets: [ending.example]}
- {id: italy, scope: {countries: [IT]}, targets: [italy.example]}
- {id: net, scope: {clients: [198.51.100.0/24]}, exempt: [198.51.100.7], targets: [net.example]}
- {id: hole, targets: [hole.example], except: [ok.hole.example]}
- {id: dot, targets: [dotted.example]}
`

func compile(t testing.TB, text string) *ruleset.Set {
	t.Helper()
	b := ruleset.NewBuilder("test.yaml", ruleset.Options{})
	if _, problems := order.Parse("test.yaml", strings.NewReader(text), order.Options{Emit: b.Add}); len(problems) > 0 {
		t.Fatal(problems)
	}
	p, _ := b.Freeze()
	return ruleset.Merge([]*ruleset.Part{p}, ruleset.Options{})
}

func newTestHandler(t testing.TB, orders string, now *time.Time) *Blocklist {
	t.Helper()
	set := compile(t, orders)
	b := &block{
		zones: plugin.Zones{"."},
		set:   func() *ruleset.Set { return set },
		now:   func() time.Time { return *now },
		hits:  hits.New(),
	}
	b.answer = answer.Config{TTL: 30 * time.Second, Language: "en"}
	return &Blocklist{block: b, Next: plugin.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		m := new(dns.Msg).SetReply(r)
		m.Answer = []dns.RR{test.TXT("passed. 300 IN TXT passed")}
		w.WriteMsg(m)
		return dns.RcodeSuccess, nil
	})}
}

type from struct {
	test.ResponseWriter
	ip string
}

func (f from) RemoteAddr() net.Addr { return &net.UDPAddr{IP: net.ParseIP(f.ip), Port: 40212} }

func brief(m *dns.Msg) string {
	out := []string{dns.RcodeToString[m.Rcode]}
	for _, rr := range m.Answer {
		out = append(out, strings.ReplaceAll(rr.String()[len(rr.Header().String()):], `"`, ""))
	}
	for _, rr := range m.Ns {
		out = append(out, "SOA", rr.Header().Name, strings.Fields(rr.String())[1])
	}
	if o := m.IsEdns0(); o != nil {
		for _, opt := range o.Option {
			if e, ok := opt.(*dns.EDNS0_EDE); ok {
				out = append(out, "EDE", strings.TrimSpace(strings.Join([]string{dns.ExtendedErrorCodeToString[e.InfoCode], e.ExtraText}, " ")))
			}
		}
	}
	return strings.Join(out, " ")
}

func TestServeDNS(t *testing.T) {
	now := noon
	h := newTestHandler(t, testOrders, &now)
	ncu := "EDE Censored Blocked by order of NCU"
	for _, tc := range []struct {
		qname, qtype, client string
		class                uint16
		want                 string
	}{
		{qname: "blocked.example.", want: "NXDOMAIN SOA blocked.example. 30 EDE Censored Blocked by order 914/2719 of NCU"},
		{qname: "WwW.BlOcKeD.example.", want: "NXDOMAIN SOA BlOcKeD.example. 30 EDE Censored Blocked by order 914/2719 of NCU"},
		{qname: "blocked.example.", class: dns.ClassANY, want: "NXDOMAIN SOA blocked.example. 30 EDE Censored Blocked by order 914/2719 of NCU"},
		{qname: "blocked.example.", class: dns.ClassCHAOS, want: "NOERROR passed"},
		{qname: "blocked.example.", qtype: "DS", want: "NOERROR passed"},
		{qname: "blocked.example.", qtype: "DNSKEY", want: "NXDOMAIN SOA blocked.example. 30 EDE Censored Blocked by order 914/2719 of NCU"},
		{qname: "blocked.example.", qtype: "ANY", want: "NXDOMAIN SOA blocked.example. 30 EDE Censored Blocked by order 914/2719 of NCU"},
		{qname: "example.", want: "NOERROR passed"},
		{qname: "notblocked.example.", want: "NOERROR passed"},
		{qname: "blocked.example.com.", want: "NOERROR passed"},
		{qname: ".", want: "NOERROR passed"},

		{qname: "exact.example.", want: "NOERROR SOA exact.example. 30 " + ncu},
		{qname: "exact.example.", qtype: "DNSKEY", want: "NOERROR passed"},
		{qname: "www.exact.example.", want: "NOERROR passed"},
		{qname: "_8443._https.exact.example.", qtype: "HTTPS", want: "NOERROR SOA exact.example. 30 " + ncu},
		{qname: "_dns.exact.example.", qtype: "SVCB", want: "NOERROR SOA exact.example. 30 " + ncu},
		{qname: "_8443._https.exact.example.", qtype: "TXT", want: "NOERROR passed"},
		{qname: "_a._8443._https.exact.example.", qtype: "HTTPS", want: "NOERROR passed"},
		{qname: "below.example.", want: "NOERROR passed"},
		{qname: "a.below.example.", want: "NXDOMAIN SOA below.example. 30 " + ncu},

		{qname: "redirect.example.", want: "NOERROR 192.0.2.1 EDE Forged Answer Blocked by order of NCU"},
		{qname: "redirect.example.", qtype: "AAAA", want: "NOERROR 2001:db8::1 EDE Forged Answer Blocked by order of NCU"},
		{qname: "redirect.example.", qtype: "HTTPS", want: "NOERROR SOA redirect.example. 30 " + ncu},
		{qname: "refused.example.", want: "REFUSED " + ncu},
		{qname: "nodata.example.", want: "NOERROR SOA nodata.example. 30 " + ncu},
		{qname: "ours.example.", want: "NXDOMAIN SOA ours.example. 30 EDE Blocked Blocked by order of Us"},
		{qname: "www.quiet.example.", want: "NXDOMAIN SOA www.quiet.example. 30"},

		{qname: "later.example.", want: "NOERROR passed"},
		{qname: "ending.example.", want: "NXDOMAIN SOA ending.example. 10 " + ncu},
		{qname: "hole.example.", want: "NOERROR SOA hole.example. 30 " + ncu},
		{qname: "a.hole.example.", want: "NXDOMAIN SOA hole.example. 30 " + ncu},
		{qname: "ok.hole.example.", want: "NOERROR passed"},
		{qname: "www.ok.hole.example.", want: "NOERROR passed"},

		{qname: "italy.example.", want: "NOERROR passed"},
		{qname: "net.example.", client: "198.51.100.1", want: "NXDOMAIN SOA net.example. 30 " + ncu},
		{qname: "net.example.", client: "::ffff:198.51.100.1", want: "NXDOMAIN SOA net.example. 30 " + ncu},
		{qname: "net.example.", client: "198.51.100.7", want: "NOERROR passed"},
		{qname: "net.example.", client: "203.0.113.1", want: "NOERROR passed"},

		{qname: `www\.dotted.example.`, want: "NOERROR passed"},
		{qname: `www.dotted\.example.`, want: "NOERROR passed"},
		{qname: `\100otted.example.`, want: "NXDOMAIN SOA dotted.example. 30 " + ncu},
	} {
		t.Run(strings.TrimSpace(tc.qname+" "+tc.qtype+" "+tc.client), func(t *testing.T) {
			m := new(dns.Msg).SetQuestion(tc.qname, dns.TypeA)
			if tc.qtype != "" {
				m.Question[0].Qtype = dns.StringToType[tc.qtype]
			}
			if tc.class != 0 {
				m.Question[0].Qclass = tc.class
			}
			m.SetEdns0(1232, false)
			if tc.client == "" {
				tc.client = "203.0.113.1"
			}
			rec := dnstest.NewRecorder(&from{ip: tc.client})
			code, err := h.ServeDNS(context.Background(), rec, m)
			if err != nil || code != dns.RcodeSuccess {
				t.Errorf("ServeDNS returned %d, %v, want success: with another code the server writes a second reply", code, err)
			}
			if got := strings.ReplaceAll(brief(rec.Msg), `\100otted`, "dotted"); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

// The nsid plugin adds an option after blocklist. The reply must keep its SOA record.
func TestNSID(t *testing.T) {
	now := noon
	h := newTestHandler(t, "version: 1\norders:\n- {id: a, references: ["+strings.Repeat("x", 390)+"], authority: {name: A}, scope: global, targets: [a.example]}\n", &now)
	for _, nsid := range []bool{false, true} {
		m := new(dns.Msg).SetQuestion("a.example.", dns.TypeA)
		m.SetEdns0(512, false)
		if nsid {
			m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_NSID{Code: dns.EDNS0NSID}}
		}
		rec := dnstest.NewRecorder(&test.ResponseWriter{})
		h.ServeDNS(context.Background(), rec, m)
		if got := strings.Contains(brief(rec.Msg), "xxx"); got == nsid {
			t.Errorf("NSID asked for: %v, long text sent: %v", nsid, got)
		}
		if len(rec.Msg.Ns) != 1 || rec.Msg.Len()+nsidRoom > 512 && nsid {
			t.Errorf("NSID asked for: %v, %d octets, SOA %v", nsid, rec.Msg.Len(), rec.Msg.Ns)
		}
	}
}

func TestTime(t *testing.T) {
	now := noon
	h := newTestHandler(t, testOrders, &now)
	ask := func(name string) string {
		rec := dnstest.NewRecorder(&test.ResponseWriter{})
		h.ServeDNS(context.Background(), rec, new(dns.Msg).SetQuestion(name, dns.TypeA))
		return brief(rec.Msg)
	}
	for _, tc := range []struct {
		after time.Duration
		later string
		end   string
	}{
		{0, "NOERROR passed", "NXDOMAIN SOA ending.example. 10"},
		{8500 * time.Millisecond, "NOERROR passed", "NXDOMAIN SOA ending.example. 1"},
		{9999 * time.Millisecond, "NOERROR passed", "NXDOMAIN SOA ending.example. 0"},
		{10 * time.Second, "NXDOMAIN SOA later.example. 30", "NOERROR passed"},
	} {
		now = noon.Add(tc.after)
		if got := ask("later.example."); got != tc.later {
			t.Errorf("later, after %s: got %s, want %s", tc.after, got, tc.later)
		}
		if got := ask("ending.example."); got != tc.end {
			t.Errorf("ending, after %s: got %s, want %s", tc.after, got, tc.end)
		}
	}
}

func TestNotJudged(t *testing.T) {
	now := noon
	h := newTestHandler(t, testOrders, &now)
	for name, change := range map[string]func(*dns.Msg){
		"no question":   func(m *dns.Msg) { m.Question = nil },
		"two questions": func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) },
		"no name":       func(m *dns.Msg) { m.Question[0].Name = "blocked..example." },
	} {
		m := new(dns.Msg).SetQuestion("blocked.example.", dns.TypeA)
		change(m)
		rec := dnstest.NewRecorder(&test.ResponseWriter{})
		h.ServeDNS(context.Background(), rec, m)
		if len(rec.Msg.Answer) != 1 {
			t.Errorf("%s: did not pass: %v", name, rec.Msg)
		}
	}
}

func TestOpcodes(t *testing.T) {
	now := noon
	h := newTestHandler(t, answerOrders, &now)
	for opcode, name := range dns.OpcodeToString {
		if opcode == dns.OpcodeQuery {
			continue
		}
		for _, tc := range []struct {
			qname, zone string
			want        int
		}{
			{"bad.example.", "bad.example. 300 A 192.0.2.1", dns.RcodeRefused},
			{"redirect.example.", "redirect.example. 300 A 192.0.2.1", dns.RcodeRefused},
			{"asked.example.", "asked.example. 300 CNAME bad.example.", dns.RcodeRefused},
			{"spared.example.", "spared.example. 300 A 192.0.2.1", dns.RcodeSuccess},
			{"asked.example.", "asked.example. 300 A 192.0.2.1", dns.RcodeSuccess},
		} {
			h.Next = upstream(t, tc.zone)
			m := new(dns.Msg).SetQuestion(tc.qname, dns.TypeA)
			m.Opcode = opcode
			rec := dnstest.NewRecorder(&test.ResponseWriter{})
			h.ServeDNS(context.Background(), rec, m)
			if rec.Msg.Rcode != tc.want || rec.Msg.Opcode != opcode || tc.want == dns.RcodeRefused && len(rec.Msg.Answer)+len(rec.Msg.Ns) > 0 {
				t.Errorf("%s for %s, %s:\n%v", name, tc.qname, tc.zone, rec.Msg)
			}
		}
	}
}

func TestCountry(t *testing.T) {
	now := noon
	for _, tc := range []struct {
		name, corefile, label, client string
		subnet, blocked               bool
	}{
		{name: "nothing known", client: "192.0.2.1"},
		{name: "network", corefile: "country IT 192.0.2.0/24", client: "192.0.2.1", blocked: true},
		{name: "network, IPv4 in IPv6", corefile: "country IT 192.0.2.0/24", client: "::ffff:192.0.2.1", blocked: true},
		{name: "other network", corefile: "country IT 192.0.2.0/24", client: "198.51.100.1"},
		{name: "longest network", corefile: "country IT 192.0.0.0/16\ncountry CH 192.0.2.0/24", client: "192.0.2.1"},
		{name: "label", label: "IT", client: "192.0.2.1", blocked: true},
		{name: "other label", label: "CH", client: "192.0.2.1"},
		{name: "a label that is no country", corefile: "home IT", label: "EU", client: "192.0.2.1", blocked: true},
		{name: "network before label", corefile: "country IT 192.0.2.0/24", label: "CH", client: "192.0.2.1", blocked: true},
		{name: "label before home", corefile: "home IT", label: "CH", client: "192.0.2.1"},
		{name: "home", corefile: "home IT", client: "192.0.2.1", blocked: true},
		{name: "empty label, home", corefile: "home IT", label: "", client: "192.0.2.1", blocked: true},
		{name: "a stranger's client subnet", label: "CH", corefile: "home IT", client: "192.0.2.1", subnet: true, blocked: true},
		{name: "a client subnet does not lead into the scope either", label: "IT", client: "192.0.2.1", subnet: true},
		{name: "a subnet of no bits from a trusted peer", corefile: "home IT\necs_from 192.0.2.0/24", label: "CH", client: "192.0.2.1", subnet: true, blocked: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newTestHandler(t, testOrders, &now)
			if err := parse(controller("blocklist x.yaml {\n"+tc.corefile+"\n}"), "", &h.config); err != nil {
				t.Fatal(err)
			}
			ctx := metadata.ContextWithMetadata(context.Background())
			metadata.SetValueFunc(ctx, "geoip/country/code", func() string { return tc.label })
			m := new(dns.Msg).SetQuestion("italy.example.", dns.TypeA)
			if tc.subnet {
				m.SetEdns0(1232, false)
				m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, Address: net.IPv4zero}}
			}
			rec := dnstest.NewRecorder(&from{ip: tc.client})
			h.ServeDNS(ctx, rec, m)
			if got := len(rec.Msg.Answer) == 0; got != tc.blocked {
				t.Errorf("blocked: %v, want %v", got, tc.blocked)
			}
		})
	}
}

func TestBlockedRequests(t *testing.T) {
	now := noon
	h := newTestHandler(t, testOrders, &now)
	for response, name := range map[string]string{"nxdomain": "blocked.example.", "nodata": "exact.example.", "redirect": "redirect.example.", "refused": "refused.example."} {
		counter := blockedRequests.WithLabelValues("", ".", "", response)
		before := testutil.ToFloat64(counter)
		h.ServeDNS(context.Background(), &test.ResponseWriter{}, new(dns.Msg).SetQuestion(name, dns.TypeA))
		h.ServeDNS(context.Background(), &test.ResponseWriter{}, new(dns.Msg).SetQuestion("passing.example.", dns.TypeA))
		if got := testutil.ToFloat64(counter) - before; got != 1 {
			t.Errorf("%s: counted %v times", response, got)
		}
	}
}

func TestTrace(t *testing.T) {
	now := noon
	h := newTestHandler(t, testOrders, &now)
	h.Next = plugin.HandlerFunc(func(ctx context.Context, _ dns.ResponseWriter, _ *dns.Msg) (int, error) {
		opentracing.SpanFromContext(ctx).SetTag("here", true)
		return dns.RcodeSuccess, nil
	})
	tracer := mocktracer.New()
	span := tracer.StartSpan("servedns")
	h.ServeDNS(opentracing.ContextWithSpan(context.Background(), span), &test.ResponseWriter{}, new(dns.Msg).SetQuestion("passing.example.", dns.TypeA))
	if done := tracer.FinishedSpans(); len(done) != 1 || done[0].OperationName != h.Next.Name() || done[0].Tag("here") != true {
		t.Errorf("spans %v", done)
	}
	h.Next = nil
	if code, err := h.ServeDNS(context.Background(), &test.ResponseWriter{}, new(dns.Msg).SetQuestion("passing.example.", dns.TypeA)); code != dns.RcodeServerFailure || err == nil {
		t.Error("no next plugin:", code, err)
	}
}

type peer struct {
	test.ResponseWriter
	addr net.Addr
}

func (p peer) RemoteAddr() net.Addr      { return p.addr }
func (peer) WriteMsg(*dns.Msg) error     { return nil }
func (peer) Write(b []byte) (int, error) { return len(b), nil }

func TestAllocations(t *testing.T) {
	now := noon
	h := newTestHandler(t, testOrders, &now)
	led := new(dns.Msg)
	for _, rr := range []string{"www.passing.example. 300 IN CNAME a.cdn.example.", "a.cdn.example. 300 IN CNAME b.cdn.example.", "b.cdn.example. 300 IN A 192.0.2.1"} {
		x, _ := dns.NewRR(rr)
		led.Answer = append(led.Answer, x)
	}
	h.Next = plugin.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, _ *dns.Msg) (int, error) { return 0, w.WriteMsg(led) })
	w := &peer{addr: &net.UDPAddr{IP: net.ParseIP("203.0.113.1"), Port: 40212}}
	edns := func(m *dns.Msg) { m.SetEdns0(1232, false) }
	signalled := func(m *dns.Msg) {
		edns(m)
		m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_EDE{}}
	}
	for _, tc := range []struct {
		what, name string
		edit       func(*dns.Msg)
		budget     float64
	}{
		{"passing, answered with a chain of two CNAMEs", "www.passing.example.", nil, 1},
		{"passing, with EDNS", "www.passing.example.", edns, 1},
		{"covered, but not yet in force", "below.example.", nil, 1},
		{"covered by an exception", "ok.hole.example.", nil, 1},
		{"blocked", "www.blocked.example.", nil, 1},
		{"refused", "refused.example.", edns, 3},
		{"redirected", "redirect.example.", nil, 4},
		{"blocked, with EDNS", "www.blocked.example.", edns, 3},
		{"blocked, with EDNS, told nothing", "quiet.example.", edns, 2},
		{"blocked, with a structured error", "www.blocked.example.", signalled, 6},
	} {
		m := new(dns.Msg).SetQuestion(tc.name, dns.TypeA)
		if tc.edit != nil {
			tc.edit(m)
		}
		for _, resinfo := range []*directive.Resinfo{nil, {Names: []dname.Name{testName(t, "dns.example")}}} {
			h.resinfo = resinfo
			if n := testing.AllocsPerRun(200, func() { h.ServeDNS(context.Background(), w, m) }); n != tc.budget {
				t.Errorf("%s: %v allocations, budget %v", tc.what, n, tc.budget)
			}
		}
	}
}

func BenchmarkServeDNS(b *testing.B) {
	now := noon
	h := newTestHandler(b, testOrders, &now)
	h.Next = plugin.HandlerFunc(func(context.Context, dns.ResponseWriter, *dns.Msg) (int, error) { return 0, nil })
	w := &test.ResponseWriter{}
	for _, name := range []string{"www.passing.example.", "www.blocked.example."} {
		m := new(dns.Msg).SetQuestion(name, dns.TypeA)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				h.ServeDNS(context.Background(), w, m)
			}
		})
	}
}
