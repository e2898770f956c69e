//go:build e2e

package faults

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dns-orders/blocklist/plugin/answer"
	"github.com/miekg/dns"
)

// These are the answers in a model.
const (
	pass     = "192.0.2.80" // the address that the upstream gives for each name
	nxdomain = "NXDOMAIN"
	nodata   = "NODATA"
	refused  = "REFUSED"
	redirect = "192.0.2.99"
	unsure   = "" // the answer may change now, so no query is sent
)

type model struct {
	mu   sync.Mutex
	want map[string]string
}

// set changes the right answer of some names.
func (m *model) set(answer string, names ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, n := range names {
		m.want[n] = answer
	}
}

func (m *model) names() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.want))
}

func (m *model) answer(name string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.want[name]
}

// A tally counts answers.
type tally struct {
	answers, wrong, lost int
	examples             []string // examples of wrong answers and lost orders
}

func (t *tally) add(o tally) {
	t.answers += o.answers
	t.wrong += o.wrong
	t.lost += o.lost
	t.examples = append(t.examples, o.examples...)
	t.examples = t.examples[:min(len(t.examples), 4)]
}

func (t *tally) judge(name, got, want string) {
	t.answers++
	switch {
	case got == want:
		return
	case got == pass:
		t.lost++
	default:
		t.wrong++
	}
	t.add(tally{examples: []string{fmt.Sprintf("%s: %s, want %s", name, got, want)}})
}

// A client sends queries to one server over UDP.
type client struct {
	addr string
	dns  dns.Client
}

func newClient(addr string) *client {
	return &client{addr, dns.Client{Timeout: 2 * time.Second}}
}

func (c *client) ask(name string) string {
	var err error
	for range 3 {
		q := new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.TypeA).SetEdns0(1232, false)
		var r *dns.Msg
		if r, _, err = c.dns.Exchange(q, c.addr); err == nil && r.Response {
			return classify(r)
		}
	}
	return fmt.Sprintf("no answer (%v)", err)
}

func classify(r *dns.Msg) string {
	for _, rr := range r.Answer {
		if a, ok := rr.(*dns.A); ok {
			return a.A.String()
		}
	}
	switch {
	case !slices.Contains(answer.ErrorCodes(r), dns.ExtendedErrorCodeCensored):
	case r.Rcode == dns.RcodeSuccess:
		return nodata
	default:
		return dns.RcodeToString[r.Rcode]
	}
	return "uncensored " + dns.RcodeToString[r.Rcode]
}

// sweep queries each name in the model once.
func (c *client) sweep(m *model) (t tally) {
	for _, n := range m.names() {
		if want := m.answer(n); want != unsure {
			t.judge(n, c.ask(n), want)
		}
	}
	return t
}

type asker struct {
	paused atomic.Bool
	mu     sync.Mutex
	tally  tally
	stop   chan struct{}
	done   sync.WaitGroup
}

const pace = 2 * time.Millisecond

func startAsker(c *client, m *model, random *rand.Rand) *asker {
	a := &asker{stop: make(chan struct{})}
	a.done.Go(func() {
		tick := time.NewTicker(pace)
		defer tick.Stop()
		names := m.names()
		for {
			select {
			case <-a.stop:
				return
			case <-tick.C:
			}
			name := names[random.IntN(len(names))]
			want := m.answer(name)
			if a.paused.Load() || want == unsure {
				continue
			}
			got := c.ask(name)
			if a.paused.Load() || m.answer(name) != want {
				continue
			}
			a.mu.Lock()
			a.tally.judge(name, got, want)
			a.mu.Unlock()
		}
	})
	return a
}

func (a *asker) take() tally {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.tally
	a.tally = tally{}
	return t
}

func (a *asker) close() {
	close(a.stop)
	a.done.Wait()
}

// upstream answers each A query with the address pass.
func upstream(w dns.ResponseWriter, q *dns.Msg) {
	r := new(dns.Msg).SetReply(q)
	if q.Question[0].Qtype == dns.TypeA {
		if rr, err := dns.NewRR(q.Question[0].Name + " 60 IN A " + pass); err == nil {
			r.Answer = []dns.RR{rr}
		}
	}
	_ = w.WriteMsg(r) // the server may have been killed
}
