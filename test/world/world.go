// Package world makes random orders for tests of exports. There are few names, so orders often
// cover the same name.
package world

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// Choices makes decisions from the bytes of a fuzzer. Without bytes, it takes the first
// possibility.
type Choices struct {
	B []byte
	// All names of the orders are below Top. The default is "example".
	Top string
}

// Random returns n random bytes as Choices.
func Random(r *rand.Rand, n int) *Choices {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return &Choices{B: b}
}

// N returns a number from 0 to n-1.
func (c *Choices) N(n int) int {
	if len(c.B) == 0 {
		return 0
	}
	v := int(c.B[0]) % n
	c.B = c.B[1:]
	return v
}

// OneIn returns true in one of n cases.
func (c *Choices) OneIn(n int) bool { return c.N(n) == n-1 }

// LastSecond is small. Orders therefore often overlap in time.
const LastSecond = 6

func (c *Choices) time() order.Time {
	if c.N(3) < 2 {
		return order.NoTime
	}
	return order.Time(c.N(LastSecond))
}

// Name parses a name.
func Name(text string) dname.Name {
	n, err := dname.Parse(text)
	if err != nil {
		panic(err)
	}
	return n
}

func (c *Choices) name() dname.Name {
	labels := []string{cmp.Or(c.Top, "example")}
	for range c.N(4) {
		labels = append(labels, []string{"a", "b", "_x"}[c.N(3)])
	}
	slices.Reverse(labels)
	return Name(strings.Join(labels, "."))
}

func (c *Choices) response() order.Response {
	r := order.Response{Kind: []order.ResponseKind{order.ResponseUnset, order.NXDOMAIN, order.NODATA, order.Redirect, order.Refused}[c.N(5)]}
	if r.Kind == order.Redirect {
		r.Addresses = []netip.Addr{netip.MustParseAddr([]string{"192.0.2.1", "2001:db8::1"}[c.N(2)])}
	}
	return r
}

func (c *Choices) order(id, index int) *order.Order {
	terms := &order.Terms{TTL: -1, Authority: order.Authority{Name: []string{"A", "B"}[c.N(2)]}, Scope: &order.Scope{Global: true}}
	o := &order.Order{ID: fmt.Sprint(id), Index: index, Terms: terms, Issued: c.time(), From: c.time(), Until: c.time(),
		Served: order.NoTime, Review: order.NoTime, Deadline: order.NoTime}
	if c.OneIn(6) {
		o.Status = order.Status(1 + c.N(3))
	}
	if c.OneIn(5) {
		terms.Disclosure = order.Code
	}
	if c.OneIn(4) {
		o.Action, terms.Disclosure = order.Lift, order.Full
		if o.DecidedAt() == order.NoTime {
			o.Issued = 2
		}
		for range c.N(3) {
			o.Lifts = append(o.Lifts, fmt.Sprint(c.N(8)))
		}
	} else {
		terms.Response = c.response()
		if c.OneIn(3) {
			terms.TTL = time.Hour
		}
	}
	if c.OneIn(3) {
		terms.Scope = &order.Scope{Countries: []order.Country{[]order.Country{"IT", "CH"}[c.N(2)]}}
		if c.OneIn(3) {
			terms.Scope = &order.Scope{Clients: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
		}
	}
	for range c.N(1 + c.N(2)) {
		o.Except = append(o.Except, c.name())
	}
	targets := 1 + c.N(3)
	if len(o.Lifts) > 0 && c.OneIn(3) {
		targets = 0
	}
	for range targets {
		t := order.Target{Name: c.name(), Match: order.Match(c.N(3))}
		if c.OneIn(5) {
			t.Attr = &order.Attr{From: c.time(), Until: c.time(), Served: order.NoTime, Deadline: order.NoTime}
			if c.N(2) == 0 {
				t.Attr.Except = []dname.Name{c.name()}
			}
		}
		o.Targets = append(o.Targets, t)
	}
	return o
}

// A World contains random orders.
type World struct {
	Opt   ruleset.Options
	Files [][]*order.Order
	parts []*ruleset.Part
}

// New returns random orders in one to three files.
func New(c *Choices) *World {
	w := &World{Opt: ruleset.Options{Response: c.response()}}
	id := 0
	for range 1 + c.N(3) {
		var orders []*order.Order
		for i := range 1 + c.N(3) {
			orders = append(orders, c.order(id, i))
			id++
		}
		w.Files = append(w.Files, orders)
		w.parts = append(w.parts, nil)
	}
	for i := range w.Files {
		w.compile(i)
	}
	return w
}

func (w *World) compile(file int) {
	b := ruleset.NewBuilder(fmt.Sprint(file), w.Opt)
	for _, o := range w.Files[file] {
		b.Add(o)
	}
	w.parts[file], _ = b.Freeze()
}

// Set returns the compiled orders.
func (w *World) Set() *ruleset.Set { return ruleset.Merge(w.parts, w.Opt) }

// Change replaces the orders of one file by other orders with the same ids.
func (w *World) Change(c *Choices) {
	file := c.N(len(w.Files))
	var orders []*order.Order
	for i, o := range w.Files[file] {
		var id int
		fmt.Sscan(o.ID, &id)
		if c.N(3) > 0 {
			orders = append(orders, c.order(id, i))
		}
	}
	w.Files[file] = orders
	w.compile(file)
	if len(orders) == 0 {
		w.Files[file] = []*order.Order{c.order(100+file, 0)}
		w.compile(file)
	}
}

// Names returns names with up to four labels below the given name. Some names contain the label zz.
// No order contains this label.
func Names(top string) []dname.Name {
	out := []dname.Name{Name("zz"), Name("zz.zz")}
	level := []string{top}
	for range 5 {
		var next []string
		for _, n := range level {
			out = append(out, Name(n))
			if !strings.HasPrefix(n, "zz.") {
				for _, label := range []string{"a", "b", "_x", "zz"} {
					next = append(next, label+"."+n)
				}
			}
		}
		level = next
	}
	return out
}

func (w *World) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%+v\n", w.Opt)
	for i, orders := range w.Files {
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
