//go:build e2e

package test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// generatedNames is the number of generated names.
const generatedNames = 100_000

type question struct {
	name rawName
	what string
}

// askedNames returns all popular and generated names without duplicates.
func askedNames(t *testing.T, h history) (out []question) {
	pass := passNames(t)
	seen := map[string]bool{}
	add := func(n rawName, what string) bool {
		id := strings.Join(n, "\xfe.") // no label ends in this byte
		if len(n) == 0 || !n.fits() || seen[id] {
			return false
		}
		seen[id] = true
		out = append(out, question{n, what})
		return true
	}
	for _, n := range pass {
		add(labelsOf(n), "popular")
	}
	popular := len(out)
	var ordered []string
	for _, o := range h {
		for _, x := range o.targets {
			ordered = append(ordered, x.name)
		}
	}
	m := &generator{rand.New(rand.NewPCG(1, 0)), append(slices.Clone(pass), ordered...)}
	for i := 0; len(out) < popular+generatedNames; i++ {
		from := pass
		if m.IntN(2) == 0 {
			from = ordered
		}
		how := generators[i%len(generators)]
		add(how.make(m, labelsOf(m.from(from))), how.what)
	}
	return out
}

func overBlocking(t *testing.T, addr string, h history) {
	all := askedNames(t, h)
	const workers = 4
	var mu sync.Mutex
	var wg sync.WaitGroup
	wrong := map[bool]int{} // for each expected result, the number of wrong answers
	blocked, passed, tcp := map[string]int{}, map[string]int{}, 0
	for w := range workers {
		wg.Go(func() {
			a := newAsker(t, addr)
			defer a.close()
			r := rand.New(rand.NewPCG(2, uint64(w)))
			for i := w; i < len(all); i += workers {
				q := all[i]
				want, _ := h.blocked(q.name.canonical())
				spelled := q.name.spelled(func() bool { return i%2 == 0 && r.IntN(4) == 0 })
				got, overTCP := a.ask(spelled, q.name.size() > 250)
				mu.Lock()
				if got != want {
					if wrong[want]++; wrong[want] <= 20 {
						t.Errorf("%s (%s): blocked %v, want %v", spelled, q.what, got, want)
					}
				}
				if want {
					blocked[q.what]++
				} else {
					passed[q.what]++
				}
				if overTCP {
					tcp++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	sum := func(m map[string]int) (n int) {
		for _, v := range m {
			n += v
		}
		return n
	}
	fmt.Printf("counts: over-blocking: %d names asked (%d of them popular, %d made; %d over TCP): %d wrongly blocked, %d wrongly passing; %d blocked: %v; %d passing: %v\n",
		len(all), len(all)-generatedNames, generatedNames, tcp, wrong[false], wrong[true], sum(blocked), blocked, sum(passed), passed)
	for _, how := range generators {
		if blocked[how.what]+passed[how.what] < generatedNames/500 {
			t.Errorf("only %d %s: too few to prove anything", blocked[how.what]+passed[how.what], how.what)
		}
	}
	if sum(blocked) < generatedNames/10 || passed["popular"] < 19_000 {
		t.Errorf("too few names of one kind: %d blocked, %d popular ones passing", sum(blocked), passed["popular"])
	}
}

type asker struct {
	t    *testing.T
	addr string
	conn map[string]*dns.Conn
}

func newAsker(t *testing.T, addr string) *asker {
	return &asker{t, addr, map[string]*dns.Conn{}}
}

func (a *asker) close() {
	for _, c := range a.conn {
		c.Close()
	}
}

func (a *asker) ask(name string, tcp bool) (blocked, overTCP bool) {
	m := new(dns.Msg).SetQuestion(name, dns.TypeA)
	m.SetEdns0(1232, false)
	r := a.exchange(m, tcp)
	if r.Truncated {
		tcp = true
		r = a.exchange(m, tcp)
	}
	passed := len(r.Answer) == 1 && strings.HasSuffix(r.Answer[0].String(), passing)
	if !passed && !censored(r) {
		a.t.Errorf("%s: neither passes nor is it blocked: %v", name, r)
	}
	return !passed, tcp
}

func (a *asker) exchange(m *dns.Msg, tcp bool) *dns.Msg {
	network := map[bool]string{false: "udp", true: "tcp"}[tcp]
	r, err := a.try(m, network)
	if err != nil {
		r, err = a.try(m, network)
	}
	if err != nil {
		a.t.Errorf("%s over %s: %v", m.Question[0].Name, network, err)
		return m // an empty reply counts as neither passing nor blocked
	}
	wire, err := m.Pack()
	var asked dns.Msg
	if err == nil {
		err = asked.Unpack(wire) // the question in the spelling of the library
	}
	if err != nil || len(r.Question) != 1 || r.Question[0] != asked.Question[0] {
		a.t.Errorf("%s over %s: the answer is about %v: %v", m.Question[0].Name, network, r.Question, err)
	}
	return r
}

func (a *asker) try(m *dns.Msg, network string) (*dns.Msg, error) {
	c := &dns.Client{Net: network, Timeout: 5 * time.Second}
	conn := a.conn[network]
	if conn == nil {
		var err error
		if conn, err = c.Dial(a.addr); err != nil {
			return nil, err
		}
		a.conn[network] = conn
	}
	r, _, err := c.ExchangeWithConn(m, conn)
	if err != nil {
		conn.Close()
		delete(a.conn, network)
	}
	return r, err
}
