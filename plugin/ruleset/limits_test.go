package ruleset

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/order"
)

// TestTargetsTaken checks a long list of plain names, which is read without the YAML parser. The
// verdicts must be equal to the verdicts for single targets.
func TestTargetsTaken(t *testing.T) {
	var list []string
	for i := range 200 {
		list = append(list, fmt.Sprintf("n%d.example", i))
	}
	targets := "\n  - " + strings.Join(list, "\n  - ") + "\n"
	orders := ""
	for _, s := range []string{
		"id: now\n  issued: 2024-01-01",
		"id: soon\n  issued: 2024-01-02\n  from: 2024-06-01\n  until: 2024-07-01\n  authority: {name: B}",
		"id: 'off'\n  issued: 2024-01-03\n  status: suspended\n  authority: {name: C}",
		"id: shadow\n  issued: 2024-01-04\n  status: shadow\n  authority: {name: D}",
		"id: more\n  issued: 2023-01-05\n  authority: {name: E}\n  except: [www.n7.example]",
		"id: lift\n  action: lift\n  issued: 2024-03-01\n  until: 2024-04-01",
		"id: late\n  action: lift\n  issued: 2024-08-01\n  authority: {name: E}",
	} {
		orders += "- " + s + "\n  targets:" + targets + "  - {name: n100.example, except: [keep.n100.example]}\n  - n5.example\n"
	}
	const head = "version: 1\ndefaults: {scope: global, authority: {name: A}}\norders:\n"
	compile := func(taken bool) *Set {
		b := NewBuilder("a.yaml", Options{})
		plain := 0
		opt := order.Options{Emit: func(o *order.Order) { plain += o.Plain; b.Add(o) }}
		if taken {
			opt.Targets = b.Targets
		}
		f, ps := order.Parse("a.yaml", strings.NewReader(head+orders), opt)
		if len(ps.Errors()) > 0 || f.Targets != 5*202 || taken != (plain > 7*150) {
			t.Fatal(f.Targets, plain, ps)
		}
		p, _ := b.Freeze()
		return Merge([]*Part{p}, Options{})
	}
	taken, written := compile(true), compile(false)
	for i := range uint32(taken.parts[0].entries.n) {
		a, b := taken.parts[0].entries.at(i), written.parts[0].entries.at(i)
		if a.names != b.names {
			t.Errorf("%s: %d names taken, %d written", a.ID, a.names, b.names)
		}
	}
	for _, name := range []string{"n0.example", "n5.example", "x.n9.example", "www.n7.example", "n100.example", "keep.n100.example", "n199.example", "n200.example"} {
		for month := 1; month <= 12; month++ {
			q := Query{Now: at(t, fmt.Sprintf("2024-%02d-15", month)), Shadow: month%2 == 0}
			a, b := taken.Decide(asked(t, name), q), written.Decide(asked(t, name), q)
			if id(a) != id(b) || a.Until != b.Until || a.Subtree != b.Subtree {
				t.Errorf("%s in month %d: taken %s until %d, written %s until %d", name, month, id(a), a.Until, id(b), b.Until)
			}
		}
	}
}

func TestFull(t *testing.T) {
	b := NewBuilder("a.yaml", Options{})
	b.index.Max = 9 << 10
	_, ps := order.Parse("a.yaml", strings.NewReader("version: 1\norders: [{id: a, authority: {name: X}, scope: global, targets: ["+strings.Repeat("x.example, ", 10)+manyNames(200)+"]}]"), order.Options{Emit: b.Add})
	if len(ps.Errors()) > 0 {
		t.Fatal(ps)
	}
	_, ps = b.Freeze()
	if want := "a.yaml: has more names than an index of 4 GiB has room for; split it into several files"; ps.Errors().Error() != want {
		t.Errorf("got %v, want %s", ps, want)
	}
}

func manyNames(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "n%d.example, ", i)
	}
	return b.String()
}

func TestMergeBounded(t *testing.T) {
	defer func(n int) { maxMerged = n }(maxMerged)
	var parts []*Part
	for i := range 5 {
		parts = append(parts, part(t, fmt.Sprintf("p%d.yaml", i), fmt.Sprintf("- {id: o%d, targets: [n%d.example]}", i, i)))
	}
	size := parts[0].names.Bytes()
	for most, want := range map[int]int{1: 5, 2 * size: 3, 3 * size: 2, 5 * size: 1, 1 << 30: 1} {
		maxMerged = most
		s := Merge(parts, Options{})
		if len(s.segments) != want {
			t.Errorf("%d octets: %d segments, want %d", most, len(s.segments), want)
		}
		for i := range 5 {
			if v := s.Decide(asked(t, fmt.Sprintf("n%d.example.", i)), Query{}); id(v) != fmt.Sprintf("o%d", i) {
				t.Errorf("%d octets: n%d.example is decided by %s", most, i, id(v))
			}
		}
	}
}

// TestLongListOfManyNetworks checks many orders at one name. All orders have the same scope, with
// very many networks and a country. The orders must apply only to clients in the scope.
func TestLongListOfManyNetworks(t *testing.T) {
	var clients, orders strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&clients, "10.%d.%d.0/24, ", i/256, i%256)
	}
	for i := range 100 {
		fmt.Fprintf(&orders, "- {id: o%03d, targets: [a.example], scope: {clients: [%s], countries: [IT]}}\n", i, clients.String())
	}
	s := Merge([]*Part{part(t, "a.yaml", orders.String())}, Options{})
	if n := len(s.segments[0].longLists); n != 1 {
		t.Errorf("%d long lists", n)
	}
	for addr, want := range map[string]string{"10.0.0.1": "o000", "10.3.231.9": "o000", "10.3.232.9": "-", "192.0.2.1": "-"} {
		c := Client{Addr: netip.MustParseAddr(addr), Country: "FR"}
		v := s.Decide(asked(t, "a.example."), Query{Client: c})
		if id(v) != want || v.CountryDependent != (want == "-") {
			t.Errorf("%s: %s, scoped %t, want %s", addr, id(v), v.CountryDependent, want)
		}
		if c.Country = "IT"; id(s.Decide(asked(t, "a.example."), Query{Client: c})) != "o000" {
			t.Errorf("%s in IT: not blocked", addr)
		}
	}
}
