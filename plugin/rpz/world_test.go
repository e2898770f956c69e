package rpz

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// choices converts bytes to decisions, so that the fuzzer controls the random orders. Without
// further bytes, each decision is the first possibility.
type choices struct{ b []byte }

func random(r *rand.Rand, n int) *choices {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return &choices{b}
}

func (c *choices) n(n int) int {
	if len(c.b) == 0 {
		return 0
	}
	v := int(c.b[0]) % n
	c.b = c.b[1:]
	return v
}

func (c *choices) oneIn(n int) bool { return c.n(n) == n-1 }

// lastSecond is small so that orders often overlap in time.
const lastSecond = 6

func (c *choices) time() order.Time {
	if c.n(3) < 2 {
		return order.NoTime
	}
	return order.Time(c.n(lastSecond))
}

func nameOf(text string) dname.Name {
	n, err := dname.Parse(text)
	if err != nil {
		panic(err)
	}
	return n
}

func (c *choices) name() dname.Name {
	labels := []string{"example"}
	for range c.n(4) {
		labels = append(labels, []string{"a", "b", "_x"}[c.n(3)])
	}
	slices.Reverse(labels)
	return nameOf(strings.Join(labels, "."))
}

func (c *choices) response() order.Response {
	r := order.Response{Kind: []order.ResponseKind{order.ResponseUnset, order.NXDOMAIN, order.NODATA, order.Redirect, order.Refused}[c.n(5)]}
	if r.Kind == order.Redirect {
		r.Addresses = []netip.Addr{netip.MustParseAddr([]string{"192.0.2.1", "2001:db8::1"}[c.n(2)])}
	}
	return r
}

func (c *choices) order(id, index int) *order.Order {
	terms := &order.Terms{TTL: -1, Authority: order.Authority{Name: []string{"A", "B"}[c.n(2)]}, Scope: &order.Scope{Global: true}}
	o := &order.Order{ID: fmt.Sprint(id), Index: index, Terms: terms, Issued: c.time(), From: c.time(), Until: c.time(),
		Served: order.NoTime, Review: order.NoTime, Deadline: order.NoTime}
	if c.oneIn(6) {
		o.Status = order.Status(1 + c.n(3))
	}
	if c.oneIn(5) {
		terms.Disclosure = order.Code
	}
	if c.oneIn(4) {
		o.Action, terms.Disclosure = order.Lift, order.Full
		if o.DecidedAt() == order.NoTime {
			o.Issued = 2
		}
		for range c.n(3) {
			o.Lifts = append(o.Lifts, fmt.Sprint(c.n(8)))
		}
	} else {
		terms.Response = c.response()
	}
	if c.oneIn(3) {
		terms.Scope = &order.Scope{Countries: []order.Country{[]order.Country{"IT", "CH"}[c.n(2)]}}
		if c.oneIn(3) {
			terms.Scope = &order.Scope{Clients: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
		}
	}
	for range c.n(1 + c.n(2)) {
		o.Except = append(o.Except, c.name())
	}
	targets := 1 + c.n(3)
	if len(o.Lifts) > 0 && c.oneIn(3) {
		targets = 0
	}
	for range targets {
		t := order.Target{Name: c.name(), Match: order.Match(c.n(3))}
		if c.oneIn(5) {
			t.Attr = &order.Attr{From: c.time(), Until: c.time(), Served: order.NoTime, Deadline: order.NoTime}
			if c.n(2) == 0 {
				t.Attr.Except = []dname.Name{c.name()}
			}
		}
		o.Targets = append(o.Targets, t)
	}
	return o
}

// A world contains random orders.
type world struct {
	opt   ruleset.Options
	files [][]*order.Order
	parts []*ruleset.Part
}

func newWorld(c *choices) *world {
	w := &world{opt: ruleset.Options{Response: c.response()}}
	id := 0
	for range 1 + c.n(3) {
		var orders []*order.Order
		for i := range 1 + c.n(3) {
			orders = append(orders, c.order(id, i))
			id++
		}
		w.files = append(w.files, orders)
		w.parts = append(w.parts, nil)
	}
	for i := range w.files {
		w.compile(i)
	}
	return w
}

func (w *world) compile(file int) {
	b := ruleset.NewBuilder(fmt.Sprint(file), w.opt)
	for _, o := range w.files[file] {
		b.Add(o)
	}
	w.parts[file], _ = b.Freeze()
}

func (w *world) set() *ruleset.Set { return ruleset.Merge(w.parts, w.opt) }

// change replaces the orders of one file by other orders with the same ids.
func (w *world) change(c *choices) {
	file := c.n(len(w.files))
	var orders []*order.Order
	for i, o := range w.files[file] {
		var id int
		fmt.Sscan(o.ID, &id)
		if c.n(3) > 0 {
			orders = append(orders, c.order(id, i))
		}
	}
	w.files[file] = orders
	w.compile(file)
	if len(orders) == 0 {
		w.files[file] = []*order.Order{c.order(100+file, 0)}
		w.compile(file)
	}
}

// names returns all names of up to five labels below "example", and other names near them. The
// label "zz" is in no order.
func names() []dname.Name {
	out := []dname.Name{nameOf("example"), nameOf("zz"), nameOf("zz.zz")}
	for from := 0; from < len(out) && out[len(out)-1].NumLabels() < 5; from++ {
		if out[from].String() == "zz" || out[from].String() == "zz.zz" {
			continue
		}
		for _, label := range []string{"a", "b", "_x", "zz"} {
			if !strings.HasPrefix(out[from].String(), "zz") {
				out = append(out, nameOf(label+"."+out[from].String()))
			}
		}
	}
	return out
}

// String returns the orders for the message of a failed test.
func (w *world) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%+v\n", w.opt)
	for i, orders := range w.files {
		for _, o := range orders {
			x := *o
			x.Terms, x.Targets = nil, nil
			fmt.Fprintf(&b, "file %d: %+v\n  %+v scope %+v\n", i, x, *o.Terms, *o.Scope)
			for _, t := range o.Targets {
				fmt.Fprintf(&b, "  %+v %+v\n", t, t.Attr)
			}
		}
	}
	return b.String()
}
