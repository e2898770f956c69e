package ruleset

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

var many = []struct {
	name, target string
	fields, lift func(i int) string
	apart        bool
	asks         string // the name or address in the query, if it is not the target
	one          string // one lift for all orders but the last
	held         bool
}{
	{name: "in-force", target: "c.example"},
	{name: "ended", target: "c.example", fields: says("until: 2025-12-31")},
	{name: "pending", target: "c.example", fields: says("from: 2030-12-31")},
	{name: "shadow", target: "c.example", fields: says("status: shadow")},
	{name: "networks", target: "c.example", fields: network},
	{name: "countries", target: "c.example", fields: says("scope: {countries: [FR]}")},
	{name: "exempt-all-alike", target: "c.example", fields: says("exempt: [192.0.2.0/24]")},
	{name: "exempt-each-by-its-own", target: "c.example", fields: exempting},
	{name: "excepted", target: "c.example", fields: says("except: [ok.c.example]"), asks: "ok.c.example"},
	{name: "held", target: "bank.example", held: true},
	{name: "lifted-below-by-one", target: "c.example", asks: "ok.c.example", one: "- {id: l, action: lift, issued: '2025-01-20T12:00:00Z', targets: [ok.c.example]}"},
	{name: "lifted-there", target: "c.example", lift: says("targets: [c.example]")},
	{name: "lifted-as-a-whole", target: "c.example", lift: says("note: whole")},
	{name: "lifted-above", target: "c.example", lift: says("targets: [example]")},
	{name: "lifted-above-for-a-time", target: "c.example", lift: says("until: 2030-12-31, targets: [example]")},
	{name: "lifted-above-until-ever-earlier", target: "c.example", lift: ending},
	{name: "lifted-there-by-another-file", target: "c.example", lift: says("targets: [c.example]"), apart: true},
	{name: "lifted-as-a-whole-by-another-file", target: "c.example", lift: says("note: whole"), apart: true},
	{name: "address-ended", target: "{address: 198.51.100.5, enforced_by: dns}", fields: says("until: 2025-12-31"), asks: "198.51.100.5"},
	{name: "address-networks", target: "{address: 198.51.100.5, enforced_by: dns}", fields: network, asks: "198.51.100.5"},
}

func says(s string) func(int) string { return func(int) string { return s } }

func network(i int) string { return fmt.Sprintf("scope: {clients: [10.%d.%d.0/24]}", i/256, i%256) }

func exempting(i int) string {
	return fmt.Sprintf("exempt: [192.0.2.0/24, 10.%d.%d.0/24]", i/256, i%256)
}

func ending(i int) string {
	return fmt.Sprintf("until: %d-%02d-%02d, targets: [example]", 2040-i/336, 12-i/28%12, 28-i%28)
}

func manyOrders(n int, target, last string, fields, lift func(int) string) (orders, lifts string) {
	var o, l strings.Builder
	for i := range n {
		fmt.Fprintf(&o, "- {id: c%d, issued: 2025-01-%02d, targets: [%s]", i, 1+i*20/max(1, n-1), target)
		if fields != nil && i < n-1 {
			o.WriteString(", " + fields(i))
		}
		if last != "" && i == n-1 {
			o.WriteString(", " + last)
		}
		o.WriteString("}\n")
		if lift != nil && i < n-1 {
			fmt.Fprintf(&l, "- {id: l%d, action: lift, lifts: [c%d], issued: 2025-02-01, %s}\n", i, i, lift(i))
		}
	}
	return o.String(), l.String()
}

func BenchmarkManyOrders(b *testing.B) {
	now := at(b, "2026-01-01")
	client := Client{netip.MustParseAddr("192.0.2.1"), "DE"}
	for _, m := range many {
		for _, n := range []int{1, 10, 100, 426, 1_000} {
			b.Run(fmt.Sprintf("%s/%d", m.name, n), func(b *testing.B) {
				opt, last := Options{Addresses: true}, ""
				if m.held {
					opt.Guard, last = bank(b), "force: {bank.example: meant}"
				}
				orders, lifts := manyOrders(n, m.target, last, m.fields, m.lift)
				if n > 1 {
					lifts += m.one
				}
				s := Merge([]*Part{part(b, "a.yaml", orders+lifts).Guarded(opt.Guard)}, opt)
				if m.apart && lifts != "" {
					s = apart(opt, part(b, "a.yaml", orders), part(b, "b.yaml", lifts))
				}
				q := Query{Client: client, Now: now}
				judge := func() Verdict { return s.Decide(asked(b, m.target), q) }
				if addr, err := netip.ParseAddr(m.asks); err == nil {
					judge = func() Verdict { return s.DecideAddress(addr, q) }
				} else if m.asks != "" {
					judge = func() Verdict { return s.Decide(asked(b, m.asks), q) }
				}
				if v := judge(); !v.Blocked() || m.name != "in-force" && v.Order.ID != fmt.Sprint("c", n-1) {
					b.Fatalf("%+v", v)
				}
				for b.Loop() {
					judge()
				}
			})
		}
	}
}

func apart(opt Options, parts ...*Part) *Set {
	s := Merge(parts, opt)
	s.segments, s.sources, s.relisted = nil, nil, nil
	for _, p := range parts {
		s.segment(p)
	}
	s.findWhole()
	s.findLifted()
	return s
}

func BenchmarkManyLifts(b *testing.B) {
	then, now := at(b, "2025-01-31"), at(b, "2026-01-01")
	for _, m := range many {
		if m.lift == nil {
			continue
		}
		for _, n := range []int{1_000, 10_000} {
			orders, lifts := manyOrders(n, m.target, "", m.fields, m.lift)
			parts := []*Part{part(b, "a.yaml", orders+lifts)}
			if m.apart {
				parts = []*Part{part(b, "a.yaml", orders), part(b, "b.yaml", lifts)}
			}
			run := func(what string, f func()) {
				b.Run(fmt.Sprintf("%s/%s/%d", m.name, what, n), func(b *testing.B) {
					for b.Loop() {
						f()
					}
				})
			}
			run("merge", func() { Merge(parts, Options{}) })
			s := Merge(parts, Options{})
			run("warnings", func() {
				if ps, useless := s.Warnings(); len(ps) != 0 || useless != 0 {
					b.Fatal(ps)
				}
			})
			run("transitions", func() { s.Transitions(then, now) })
		}
	}
}

func explainMany(t testing.TB, n int, apart bool) *Set {
	var b strings.Builder
	for i := range n {
		day := func(k int) string { return fmt.Sprintf("%04d-%02d-%02d", 2000+(i+k)/300, 1+(i+k)/25%12, 1+(i+k)%25) }
		if apart {
			fmt.Fprintf(&b, "- {id: o%d, issued: %s, targets: [c.example]}\n- {id: l%d, action: lift, issued: 2026-01-01, targets: [c.example]}\n", i, day(0), i)
		} else {
			fmt.Fprintf(&b, "- {id: o%d, issued: '%sT00:00:00Z', targets: [c.example]}\n- {id: l%d, action: lift, issued: '%sT12:00:00Z', until: '%sT18:00:00Z', targets: [c.example]}\n", i, day(0), i, day(0), day(0))
		}
	}
	return set(t, b.String())
}

func BenchmarkExplainMany(b *testing.B) {
	for _, apart := range []bool{false, true} {
		for _, n := range []int{500, 1_000, 2_000} {
			s := explainMany(b, n, apart)
			b.Run(fmt.Sprintf("apart=%t/%d", apart, n), func(b *testing.B) {
				for b.Loop() {
					s.Explain(asked(b, "c.example"), Client{}, at(b, "2026-06-01"))
				}
			})
		}
	}
}
