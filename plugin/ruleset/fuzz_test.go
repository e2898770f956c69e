package ruleset

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

// choices turns bytes into decisions, so that the fuzzer steers the worlds it
// builds; when the bytes run out every choice is the first.
type choices struct{ b []byte }

func (c *choices) n(n int) int {
	if len(c.b) == 0 {
		return 0
	}
	v := int(c.b[0]) % n
	c.b = c.b[1:]
	return v
}

func (c *choices) oneIn(n int) bool { return c.n(n) == n-1 }

// The world is small, so that names, times and clients meet often.
const lastSecond = 12

var labels = []string{"a", "b", "_x"}

func (c *choices) name() dname.Name {
	var parts []string
	for range 1 + c.n(4) {
		parts = append(parts, labels[c.n(len(labels))])
	}
	n, err := dname.Parse(strings.Join(parts, "."))
	if err != nil {
		panic(err)
	}
	return n
}

func (c *choices) time() order.Time {
	if c.n(3) == 0 {
		return order.NoTime
	}
	return order.Time(c.n(lastSecond))
}

func (c *choices) windows() (ws []order.Window) {
	if !c.oneIn(4) {
		return nil
	}
	for range 1 + c.n(3) {
		ws = append(ws, order.Window{From: c.time(), Until: c.time()})
	}
	return ws
}

var (
	nets      = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("2001:db8::/32")}
	addresses = []netip.Addr{{}, netip.MustParseAddr("10.1.2.3"), netip.MustParseAddr("10.2.2.3"), netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("192.0.2.1")}
	countries = []order.Country{"", "IT", "CH"}
)

func (c *choices) status() order.Status {
	if c.oneIn(8) {
		return order.Status(1 + c.n(3))
	}
	return order.Active
}

func (c *choices) order(id string, index int) *order.Order {
	terms := &order.Terms{TTL: -1, Authority: order.Authority{Name: []string{"A", "B"}[c.n(2)]}}
	o := &order.Order{
		ID: id, Index: index, Terms: terms, Status: c.status(),
		Issued: c.time(), From: c.time(), Until: c.time(), Served: order.NoTime, Review: order.NoTime, Deadline: order.NoTime,
		Windows: c.windows(),
	}
	if c.oneIn(3) {
		o.Action = order.Lift
		if o.PlaceInHistory() == order.NoTime {
			o.Issued = 3
		}
		for range c.n(3) {
			o.Lifts = append(o.Lifts, fmt.Sprint(c.n(6)))
		}
	}
	if c.oneIn(3) {
		terms.Scope = &order.Scope{}
		if c.n(2) == 0 {
			terms.Scope.Countries = []order.Country{[]order.Country{"IT", "EU"}[c.n(2)]}
		}
		if c.n(2) == 0 {
			terms.Scope.Clients = []netip.Prefix{nets[c.n(len(nets))]}
		}
	} else if o.Action == order.Block {
		terms.Scope = &order.Scope{Global: true}
	}
	if o.Action == order.Block {
		if c.oneIn(4) {
			terms.Exempt = []order.Exempt{{Clients: []netip.Prefix{nets[c.n(len(nets))]}, Until: c.time()}}
		}
		terms.Response.Kind = order.ResponseKind(c.n(5))
	}
	for range c.n(3) {
		o.Except = append(o.Except, c.name())
	}
	targets := 1 + c.n(4)
	if o.Action == order.Lift && len(o.Lifts) > 0 && c.oneIn(3) {
		targets = 0
	}
	for range targets {
		t := order.Target{Name: c.name(), Match: order.Match(c.n(3))}
		if c.oneIn(3) {
			t.Attr = &order.Attr{From: c.time(), Until: c.time(), Windows: c.windows(), Status: c.status(), Served: order.NoTime, Deadline: order.NoTime}
			if c.n(2) == 0 {
				t.Attr.Except = []dname.Name{c.name()}
			}
		}
		o.Targets = append(o.Targets, t)
	}
	return o
}

// world builds the same orders into a set and a twin.
func world(c *choices) (*Set, *twin) {
	opt := Options{Response: order.Response{Kind: order.ResponseKind(c.n(3))}}
	t := &twin{opt: opt}
	var parts []*Part
	id := 0
	for f := range 1 + c.n(3) {
		b := NewBuilder(fmt.Sprint(f), opt)
		var file twinFile
		for i := range 1 + c.n(4) {
			o := c.order(fmt.Sprint(id), i)
			id++
			b.Add(o)
			file.orders = append(file.orders, o)
		}
		p, _ := b.Freeze()
		parts = append(parts, p)
		t.files = append(t.files, file)
	}
	if c.n(2) == 0 {
		return Merge(parts, opt), t
	}
	// As when every file is large: a segment each.
	s := Merge(nil, Options{})
	for _, p := range parts {
		one := Merge([]*Part{p}, Options{})
		s.segments = append(s.segments, p)
		for id, w := range one.whole {
			s.whole[id] = append(s.whole[id], w...)
		}
	}
	return s, t
}

func flat(v Verdict) (f twinVerdict) {
	if v.Order == nil {
		return f
	}
	return twinVerdict{v.Order.ID, v.TargetLabels, v.Match, v.Response.Kind, v.Below}
}

// compare asks set and twin the same and checks the verdict and its Until.
func compare(t *testing.T, s *Set, tw *twin, c *choices) {
	t.Helper()
	name := c.name()
	q := &Asked{}
	q.SetName(name)
	host := name
	for c.oneIn(2) && q.Service < twinServiceLabels(name) {
		q.Service++
		host = host.Parent()
	}
	client := Client{addresses[c.n(len(addresses))], countries[c.n(len(countries))]}
	now := order.Time(c.n(lastSecond))
	got := s.Decide(q, client, now)
	want := tw.decide(name, host, client, now)
	at := func() string {
		return fmt.Sprintf("%s (service labels %d) for %v at %d", name, q.Service, client, now)
	}
	if flat(got) != want {
		t.Fatalf("%s:\n got %+v\nwant %+v", at(), flat(got), want)
	}
	if (len(want.id) > 0) && !s.Covers(&q.Wire) {
		t.Fatalf("%s: blocked but not covered", at())
	}
	if got.Until <= now {
		t.Fatalf("%s: until %d is not after now", at(), got.Until)
	}
	for later := now + 1; later < min(got.Until, lastSecond+1); later++ {
		then := tw.decide(name, host, client, later)
		if want.below == BelowPasses {
			then.below = want.below
		}
		if then != want {
			t.Fatalf("%s: until %d, but at %d\n is %+v\nwas %+v", at(), got.Until, later, then, want)
		}
	}
}

// FuzzDecide compares the compiled set with its slow twin.
func FuzzDecide(f *testing.F) {
	f.Add([]byte{})
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		seed := make([]byte, 200)
		for i := range seed {
			seed[i] = byte(r.Uint32())
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c := &choices{data}
		s, tw := world(c)
		for range 4 {
			compare(t, s, tw, c)
		}
	})
}

// TestDecideAgainstTwin walks many random worlds on every test run; the fuzzer
// digs deeper.
func TestDecideAgainstTwin(t *testing.T) {
	worlds := 3000
	if testing.Short() {
		worlds = 300
	}
	r := rand.New(rand.NewPCG(3, 4))
	blocked := 0
	for range worlds {
		data := make([]byte, 400)
		for i := range data {
			data[i] = byte(r.Uint32())
		}
		c := &choices{data}
		s, tw := world(c)
		for range 10 {
			compare(t, s, tw, c)
		}
		q := &Asked{}
		q.SetName(c.name())
		if s.Decide(q, Client{}, 5).Blocked() {
			blocked++
		}
	}
	if blocked < worlds/10 {
		t.Errorf("only %d of %d worlds block the last name: the worlds are too thin to compare anything", blocked, worlds)
	}
}
