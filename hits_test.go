package blocklist

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/pkg/dnstest"
	"github.com/coredns/coredns/plugin/test"
	"github.com/dns-orders/blocklist/plugin/hits"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/miekg/dns"
)

func hitsText(c *hits.Counter, now time.Time) string {
	var out []string
	for _, r := range c.Rows(order.Time(now.Unix())) {
		n, shadow := uint32(0), uint32(0)
		for _, h := range r.Hours {
			n, shadow = n+h.Hits, shadow+h.Shadow
		}
		out = append(out, fmt.Sprintf("%s %d/%d", r.ID, n, shadow))
	}
	return strings.Join(out, ", ")
}

const hitsOrders = `version: 1
defaults: {authority: {name: NCU, country: UA, kind: regulator}, scope: global}
orders:
- {id: first, issued: 2024-01-01, references: [number-first], targets: [both.example]}
- {id: second, issued: 2025-01-01, references: [number-second], targets: [both.example, second.example]}
- {id: below, references: [number-below], targets: [www.both.example]}
- {id: quiet, disclosure: none, targets: [quiet.example]}
- {id: later, from: 2026-05-01T12:00:10Z, targets: [later.example]}
- {id: dark, status: shadow, targets: [dark.example, both.example]}
- {id: foreign, scope: {countries: [IT]}, targets: [foreign.example]}
`

// TestHits checks which order a query counts for.
func TestHits(t *testing.T) {
	for _, tt := range []struct {
		name, qname, qtype, led string // led is a record in the answer of the next plugin
		shadow                  bool   // the server block is in shadow
		want                    string
	}{
		{name: "no order", qname: "passing.example."},
		{name: "one order", qname: "a.second.example.", want: "second 1/0"},
		{name: "a longer target", qname: "www.both.example.", want: "below 1/0"},
		{name: "a type that passes", qname: "second.example.", qtype: "DS"},
		{name: "sealed", qname: "quiet.example.", want: "quiet 1/0"},
		{name: "not in force", qname: "later.example."},
		{name: "another client", qname: "foreign.example."},
		{name: "an order in shadow", qname: "dark.example.", want: "dark 0/1"},
		{name: "a server block in shadow", qname: "second.example.", shadow: true, want: "second 0/1"},
		{name: "an answer that leads to a target", qname: "passing.example.", led: "passing.example. CNAME second.example.", want: "second 1/0"},
		{name: "an answer that leads to a target in shadow", qname: "passing.example.", led: "passing.example. CNAME dark.example.", want: "dark 0/1"},
		{name: "an answer from one target in shadow to another", qname: "dark.example.", led: "dark.example. CNAME www.dark.example.", want: "dark 0/1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			now := noon
			h := newTestHandler(t, hitsOrders, &now)
			h.shadow = tt.shadow
			if tt.led != "" {
				h.Next = plugin.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
					m := new(dns.Msg).SetReply(r)
					rr, err := dns.NewRR(strings.Replace(tt.led, " ", " 300 IN ", 1))
					if err != nil {
						t.Fatal(err)
					}
					m.Answer = []dns.RR{rr}
					return 0, w.WriteMsg(m)
				})
			}
			m := new(dns.Msg).SetQuestion(tt.qname, dns.TypeA)
			if tt.qtype != "" {
				m.Question[0].Qtype = dns.StringToType[tt.qtype]
			}
			h.ServeDNS(context.Background(), &test.ResponseWriter{}, m)
			if got := hitsText(h.hits, now); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestHitsOfSeveralOrders(t *testing.T) {
	now := noon
	h := newTestHandler(t, hitsOrders, &now)
	for _, qname := range []string{"both.example.", "www.both.example.", "x.both.example."} {
		before := h.hits.Rows(order.Time(now.Unix()))
		rec := dnstest.NewRecorder(&test.ResponseWriter{})
		m := new(dns.Msg).SetQuestion(qname, dns.TypeA).SetEdns0(1232, false)
		h.ServeDNS(context.Background(), rec, m)
		named := regexp.MustCompile(`number-(\w+)`).FindStringSubmatch(brief(rec.Msg))
		if named == nil {
			t.Fatalf("%s: the answer names no order: %s", qname, brief(rec.Msg))
		}
		count := func(rows []hits.Row) (n uint32) {
			for _, r := range rows {
				if r.ID == named[1] {
					n = r.Hours[0].Hits
				}
			}
			return n
		}
		if was, is := count(before), count(h.hits.Rows(order.Time(now.Unix()))); is != was+1 {
			t.Errorf("%s: the answer names %s, whose hits were %d and are %d", qname, named[1], was, is)
		}
	}
	if got := hitsText(h.hits, now); strings.Count(got, "/0") != strings.Count(got, "/") {
		t.Errorf("an order in shadow was counted, although another order blocks: %s", got)
	}
}

func TestHitsSurvive(t *testing.T) {
	const corefile = `.:0 {
		bind 127.0.0.1
		blocklist $DIR/a.yaml
		whoami
	}
	example.org:0 example.net:0 {
		bind 127.0.0.1
		blocklist $DIR/a.yaml
		whoami
	}`
	s := startServer(t, corefile)
	s.want("www.one.example.", dns.RcodeNameError)
	s.write("a.yaml", "two.example")
	s.eventually("the change is not noticed", func() bool { return s.ask("two.example.") == dns.RcodeNameError })
	const name = "dns://.:0 bind 127.0.0.1"
	c := hits.Acquire(name)
	defer hits.Release(name)
	if got, want := hitsText(c, time.Now()), "a.yaml 2/0"; got != want {
		t.Errorf("after a load of the file: %q, want %q", got, want)
	}
	if err := s.restart(corefile + "\n"); err != nil {
		t.Fatal(err)
	}
	s.want("two.example.", dns.RcodeNameError)
	if got, want := hitsText(c, time.Now()), "a.yaml 3/0"; got != want {
		t.Errorf("after a reload of the Corefile: %q, want %q", got, want)
	}
	const other = "dns://example.org.:0 bind 127.0.0.1, dns://example.net.:0 bind 127.0.0.1"
	d := hits.Acquire(other)
	defer hits.Release(other)
	if got := hitsText(d, time.Now()); got != "" || d == c {
		t.Errorf("the other server block has hits: %q", got)
	}
	for _, i := range loaded.All() {
		if want := []string{name, other}; !slices.Equal(i.counted, want) {
			t.Errorf("the names of the server blocks are %q, want %q", i.counted, want)
		}
	}
}

func BenchmarkHits(b *testing.B) {
	now := noon
	h := newTestHandler(b, testOrders, &now)
	w, m := &test.ResponseWriter{}, new(dns.Msg).SetQuestion("www.blocked.example.", dns.TypeA)
	counters := []*hits.Counter{nil, h.hits}
	var took [2][]float64
	var ratios []float64
	const burst = 200
	for i := 0; b.Loop(); i++ {
		var pair [2]float64
		for k := range pair {
			k ^= i & 1 // each kind is the first of a pair in turn
			h.hits = counters[k]
			begin := time.Now()
			for range burst {
				h.ServeDNS(context.Background(), w, m)
			}
			pair[k] = float64(time.Since(begin)) / burst
			took[k] = append(took[k], pair[k])
		}
		ratios = append(ratios, pair[1]/pair[0])
	}
	median := func(x []float64) float64 {
		slices.Sort(x)
		return x[len(x)/2]
	}
	b.ReportMetric(median(took[0]), "ns/without")
	b.ReportMetric(median(took[1]), "ns/with")
	b.ReportMetric(median(ratios), "ratio")
}
