//go:build e2e

package test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/answer"
	"github.com/dns-orders/blocklist/test/port"
	"github.com/dns-orders/blocklist/test/program"
	"github.com/miekg/dns"
)

func TestForwarders(t *testing.T) {
	t.Parallel()
	coredns := filepath.Join(t.TempDir(), "coredns")
	program.Build(t, coredns, "../cmd/coredns")
	upstream, anchor := startWorld(t)
	var mu sync.Mutex
	var wg sync.WaitGroup
	asked, told := 0, []string{}
	for _, p := range peers {
		for name, anchor := range map[string]*trust{p.name: nil, p.name + " validating": &anchor} {
			wg.Go(func() {
				t.Run(name, func(t *testing.T) {
					s := startStack(t, coredns, upstream, p, anchor)
					for range 2 {
						s.askAll(t)
					}
					s.change(t)
					mu.Lock()
					defer mu.Unlock()
					asked += s.asked
					if s.told {
						told = append(told, name)
					}
				})
			})
		}
	}
	wg.Wait()
	slices.Sort(told)
	fmt.Printf("counts: %d questions to %d resolvers in front of blocklist; EDE 16 came through %q\n", asked, 2*len(peers), told)
}

type stack struct {
	peer
	validating   bool
	addr, bottom string // the addresses of the resolver and of blocklist
	orders       string // the order file
	asked        int
	told         bool // some answer had EDE 16
}

func startStack(t *testing.T, coredns, upstream string, p peer, anchor *trust) *stack {
	dir := t.TempDir()
	s := &stack{peer: p, validating: anchor != nil, addr: port.Address(t), bottom: port.Address(t), orders: filepath.Join(dir, "orders.yaml")}
	write(t, s.orders, forwarderOrders)
	write(t, filepath.Join(dir, "Corefile"), fmt.Sprintf(`.:%s {
	bind 127.0.0.1
	errors
	blocklist orders.yaml
	cache
	forward . %s
}`, portOf(s.bottom), upstream))
	program.Start(t, dir, coredns)
	awaitAnswer(t, s.bottom, "sibling.plain.example.")
	p.start(t, dir, s.addr, s.bottom, anchor)
	awaitAnswer(t, s.addr, "sibling.plain.example.")
	return s
}

// askAll sends all queries in questions to the resolver.
func (s *stack) askAll(t *testing.T) {
	for _, q := range questions {
		want := q.want
		if s.validating && q.validating != "" {
			want = q.validating
		}
		r := exchange(t, s.addr, q.name, q.qtype)
		s.asked++
		s.told = s.told || slices.Contains(answer.ErrorCodes(r), dns.ExtendedErrorCodeCensored)
		if !s.right(outcome(r), want) {
			t.Errorf("%s %s: %s, want %s\n%v", q.name, dns.TypeToString[q.qtype], outcome(r), want, r)
		}
	}
	if s.ede && !s.told {
		t.Error("no answer carried the extended error")
	}
}

func (s *stack) right(got, want string) bool {
	for w := range strings.SplitSeq(want, "|") {
		if got == w || got == s.turns[w] {
			return true
		}
	}
	return false
}

func (s *stack) change(t *testing.T) {
	denied, vouched := "NXDOMAIN", passing
	if s.validating {
		denied, vouched = "SERVFAIL", passing+" AD"
	}
	s.see(t, "lifted.plain.example", "NXDOMAIN")
	s.see(t, "lifted.signed.example", denied)
	s.see(t, "www.lifted.example", denied)
	for n := 1; ; n++ {
		moment := time.Now().Truncate(time.Second).Add(3 * time.Second << (2 * (n - 1)))
		s.load(t, n, fmt.Sprintf(`%s
  - {id: appeal, action: lift, authority: {name: A court}, issued: 2026-02-01, lifts: [lifted]}
  - {id: ending, targets: [ending%[2]d.plain.example], ttl: 1h, until: %[3]s}
  - {id: later, targets: [later%[2]d.plain.example, later%[2]d.signed.example], from: %[3]s}
`, forwarderOrders, n, moment.Format(time.RFC3339)))
		ending, later, signed := fmt.Sprintf("ending%d.plain.example", n), fmt.Sprintf("later%d.plain.example", n), fmt.Sprintf("later%d.signed.example", n)
		before := []string{s.ask(t, ending), s.ask(t, later), s.ask(t, signed)}
		if !time.Now().Before(moment) && n < 3 {
			continue
		}
		if want := []string{"NXDOMAIN", passing, vouched}; !slices.EqualFunc(before, want, s.right) {
			t.Errorf("before the change: %q, want %q", before, want)
		}
		start := time.Now()
		after := map[string]string{
			"lifted.plain.example":  passing,
			"lifted.signed.example": vouched,
			"www.lifted.example":    vouched,
			ending:                  passing,
			later:                   "NXDOMAIN",
			signed:                  denied,
		}
		await(t, "what changed", func() string {
			for name, want := range after {
				if got := s.ask(t, name); !s.right(got, want) {
					return fmt.Sprintf("%s is %s, want %s", name, got, want)
				}
				t.Logf("%s is %s after %.1f s", name, want, time.Since(start).Seconds())
				delete(after, name)
			}
			return ""
		})
		return
	}
}

// ask sends an A query and returns the outcome.
func (s *stack) ask(t *testing.T, name string) string {
	return outcome(exchange(t, s.addr, name, dns.TypeA))
}

func (s *stack) see(t *testing.T, name, want string) {
	t.Helper()
	if got := s.ask(t, name); !s.right(got, want) {
		t.Errorf("%s: %s, want %s", name, got, want)
	}
}

func (s *stack) load(t *testing.T, n int, text string) {
	t.Helper()
	sign := fmt.Sprintf("version%d.plain.example", n)
	write(t, s.orders+".new", text+"  - {id: sign, targets: ["+sign+"], response: {redirect: [192.0.2.1]}}\n")
	if err := os.Rename(s.orders+".new", s.orders); err != nil {
		t.Fatal(err)
	}
	awaitAnswer(t, s.bottom, sign)
}

func outcome(r *dns.Msg) string {
	var out []string
	for _, rr := range r.Answer {
		switch rr := rr.(type) {
		case *dns.A:
			out = append(out, rr.A.String())
		case *dns.AAAA:
			out = append(out, rr.AAAA.String())
		case *dns.CNAME: // the CNAME is only a step to the address
		default:
			out = append(out, dns.TypeToString[rr.Header().Rrtype])
		}
	}
	if r.Rcode != dns.RcodeSuccess {
		out = append(out, dns.RcodeToString[r.Rcode])
	} else if len(out) == 0 {
		out = append(out, "NODATA")
	}
	if r.AuthenticatedData {
		out = append(out, "AD")
	}
	return strings.Join(out, " ")
}
