package ruleset

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/order"
)

func TestLongList(t *testing.T) {
	was := longListFrom
	t.Cleanup(func() { longListFrom = was })
	clients := []Client{{}, {Addr: netip.MustParseAddr("192.0.2.1")}, {Addr: netip.MustParseAddr("198.51.100.1"), Country: "DE"}, {Country: "CH"}}
	r := rand.New(rand.NewPCG(5, 6))
	blocked := 0
	for range 300 {
		lifts := r.IntN(3) > 0
		alike := r.IntN(3) == 0
		text := crowdOf(r, 1+r.IntN(40), lifts, alike)
		files, own := make([]string, 1+r.IntN(3)), r.IntN(2) == 0
		for line := range strings.Lines(text) {
			k := r.IntN(len(files))
			// The lifts are in another file. Names with lifts in the same file do not
			// share a list.
			if alike {
				k = int(b2u(strings.Contains(line, "action: lift"))) % len(files)
			}
			files[k] += line
		}
		load := func(from int) *Set {
			longListFrom = from
			var parts []*Part
			for i, f := range files {
				parts = append(parts, part(t, fmt.Sprint(i, ".yaml"), cmp.Or(f, " []\n")))
			}
			opt := Options{Addresses: true}
			if own {
				return apart(opt, parts...)
			}
			return Merge(parts, opt)
		}
		slow, fast := load(1_000), load(2)
		for _, name := range []string{"c.example", "www.c.example", "x.www.c.example", "y.c.example", "198.51.100.5"} {
			for _, c := range clients {
				for now := order.Time(0); now < 12*day; now += day / 2 {
					q := Query{Client: c, Now: now, Shadow: r.IntN(4) == 0}
					if r.IntN(4) == 0 {
						q.QName = asked(t, "led.example")
					}
					judge := func(s *Set) Verdict {
						if a, err := netip.ParseAddr(name); err == nil {
							return s.DecideAddress(a, q)
						}
						return s.Decide(asked(t, name), q)
					}
					got, want := judge(fast), judge(slow)
					if got.Blocked() {
						blocked++
						if !want.Blocked() || got.Order.ID != want.Order.ID {
							t.Fatalf("%s\n%s at %v, %+v: got %v, want %v", text, name, now.Time(), q, got.Order, want.Order)
						}
						got.Order, want.Order = nil, nil
					}
					if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
						t.Fatalf("%s\n%s at %v, %+v:\n got %+v\nwant %+v", text, name, now.Time(), q, got, want)
					}
				}
			}
		}
	}
	if blocked < 1000 {
		t.Errorf("only %d of the verdicts block", blocked)
	}
}

const day order.Time = 24 * 3600

// TestLongListShared checks two names that share one list of rules. Lifts in another file
// end the orders of only one name.
func TestLongListShared(t *testing.T) {
	orders, _ := manyOrders(longListFrom, "{name: c.example, match: exact}, {name: www.c.example, match: exact}", "", nil, nil)
	for _, lifted := range []string{"c.example", "www.c.example"} {
		var lifts strings.Builder
		for i := range longListFrom {
			fmt.Fprintf(&lifts, "- {id: l%d, action: lift, lifts: [c%d], issued: 2025-02-01, targets: [{name: %s, match: exact}]}\n", i, i, lifted)
		}
		s := apart(Options{}, part(t, "a.yaml", orders), part(t, "b.yaml", lifts.String()))
		for _, name := range []string{"c.example", "www.c.example"} {
			v := s.Decide(asked(t, name), Query{Now: at(t, "2026-01-01")})
			if v.Blocked() != (name != lifted) {
				t.Errorf("%s with %s lifted: %+v", name, lifted, v)
			}
		}
	}
}

// crowdOf returns n orders on separate lines, with dates in the first days of 1970. If
// alike is set, all block orders have the same two targets.
func crowdOf(r *rand.Rand, n int, lifts, alike bool) string {
	var b strings.Builder
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	date := func() string { return fmt.Sprintf("1970-01-%02d", 1+r.IntN(10)) }
	target := func() string {
		name := pick("c.example", "c.example", "'*.c.example'", "www.c.example", "led.example")
		if r.IntN(5) == 0 {
			return "{address: " + pick("198.51.100.0/24", "198.51.100.5") + ", enforced_by: dns}"
		}
		if name != "'*.c.example'" && r.IntN(4) == 0 {
			name = "{name: " + name + ", match: exact}"
		} else if r.IntN(6) == 0 {
			name = "{name: " + name + ", except: [x.www.c.example]}"
		}
		return name
	}
	for i := range n {
		fmt.Fprintf(&b, "- {id: o%d, issued: %s, authority: {name: %s}", i, date(), pick("A", "B"))
		whole, block := false, false
		if lifts && r.IntN(2) == 0 {
			b.WriteString(", action: lift" + pick("", "", "", ", status: shadow"))
			b.WriteString(pick("", "", "", "", ", windows: [{until: 1970-01-04}, {from: 1970-01-06}]"))
			if r.IntN(2) == 0 {
				fmt.Fprintf(&b, ", lifts: [o%d]", (i+1+r.IntN(n))%(n+1)) // any order but this one
				whole = r.IntN(2) == 0
			}
		} else {
			block = true
			b.WriteString(pick("", "", ", response: nodata") + pick("", "", ", status: shadow", ", status: suspended"))
			b.WriteString(pick("", "", ", exempt: [192.0.2.0/28]", fmt.Sprintf(", exempt: [192.0.2.%d]", r.IntN(8)), ", exempt: [{clients: [192.0.2.0/24], until: 1970-01-05}]"))
		}
		switch {
		case whole:
		case block && alike:
			b.WriteString(", targets: [{name: c.example, match: exact}, {name: www.c.example, match: exact}]")
		default:
			b.WriteString(", targets: [" + target() + "]")
		}
		if r.IntN(3) == 0 {
			b.WriteString(", from: " + date())
		}
		if r.IntN(3) == 0 {
			b.WriteString(", until: 1970-01-11")
		}
		b.WriteString(pick("", "", ", scope: {countries: [DE]}", ", scope: {countries: [EU, CH], clients: [192.0.0.0/16]}",
			", scope: {clients: [192.0.2.0/24]}", ", scope: {clients: [192.0.2.0/28]}", ", scope: {clients: [10.0.0.0/8]}"))
		if r.IntN(5) == 0 {
			b.WriteString(", except: [" + pick("x.www.c.example", "y.c.example") + "]")
		}
		b.WriteString("}\n")
	}
	return b.String()
}
