package ruleset

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/dns-orders/blocklist/plugin/order"
)

func TestExcerpts(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	sealed := func(o *order.Order) bool { return o.Action == order.Block && o.Disclosure.Sealed() }
	dropped := 0
	for range 200 {
		data := make([]byte, 1600)
		for i := range data {
			data[i] = byte(r.Uint32())
		}
		c := &choices{b: data}
		opt := Options{Guard: c.guard(), NoCountry: c.n(2) == 0}
		known := opt
		known.NoCountry = false
		file := func(f int) (all, public *Part) {
			a, b := NewBuilder(fmt.Sprint(f), opt), NewBuilder(fmt.Sprint(f), known)
			for i := range 1 + c.n(5) {
				o := c.order(fmt.Sprint(10*f+i), i)
				a.Add(o)
				if sealed(o) {
					dropped++
				} else {
					b.Add(o)
				}
			}
			all, _ = a.Freeze()
			public, _ = b.Freeze()
			return all, public
		}
		all, public := make([]*Part, 3), make([]*Part, 3)
		for i := range all {
			all[i], public[i] = file(i)
		}
		x := &Excerpts{Drop: func(o *Order) bool { return o.Terms.Disclosure.Sealed() }}
		for range 2 {
			got, want := x.Of(Merge(all, opt)), Merge(public, known)
			if g, w := len(got.Held()), len(want.Held()); g != w {
				t.Fatalf("%d targets are held, want %d", g, w)
			}
			for range 20 {
				var q QName
				q.SetName(c.name())
				query := Query{Client: Client{Country: countries[c.n(len(countries))]}, Now: order.Time(c.n(lastSecond))}
				v, w := got.Decide(&q, query), want.Decide(&q, query)
				if v.Blocked() != w.Blocked() || v.Blocked() && v.Order.ID != w.Order.ID || v.Subtree != w.Subtree || v.Until != w.Until {
					t.Fatalf("%v %+v: got %+v, want %+v", q.Name(), query, v, w)
				}
			}
			i := c.n(len(all))
			all[i], public[i] = file(i)
		}
	}
	if dropped < 50 {
		t.Errorf("only %d sealed orders", dropped)
	}
	plain := Merge(nil, Options{})
	if (&Excerpts{}).Of(plain) != plain {
		t.Error("a set from which nothing is dropped is not itself")
	}
}
