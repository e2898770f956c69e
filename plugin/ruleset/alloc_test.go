package ruleset

import (
	"net/netip"
	"testing"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

// TestDecideAllocatesNothing, whatever the verdict: a hit, a miss, a lifted and
// an excepted name, and one with marked names below it.
func TestDecideAllocatesNothing(t *testing.T) {
	terms := &order.Terms{TTL: -1, Authority: order.Authority{Name: "A"}, Scope: &order.Scope{Countries: []order.Country{"EU"}, Clients: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}}
	block := &order.Order{ID: "b", Terms: terms, Issued: 1, Served: order.NoTime, From: order.NoTime, Until: order.NoTime}
	lift := &order.Order{ID: "l", Action: order.Lift, Terms: &order.Terms{TTL: -1, Authority: terms.Authority}, Issued: 2, Served: order.NoTime, From: order.NoTime, Until: order.NoTime}
	parse := func(s string) dname.Name {
		n, err := dname.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, s := range []string{"hit.example", "lifted.example", "a.b.c.d.e.f.example"} {
		block.Targets = append(block.Targets, order.Target{Name: parse(s), Match: order.Subtree})
	}
	block.Except = []dname.Name{parse("ok.hit.example")}
	lift.Targets = []order.Target{{Name: parse("lifted.example"), Match: order.Subtree}}
	b := NewBuilder("f", Options{})
	b.Add(block)
	b.Add(lift)
	p, _ := b.Freeze()
	s := Merge([]*Part{p}, Options{})
	client := Client{netip.MustParseAddr("10.1.1.1"), "IT"}
	for name, blocked := range map[string]bool{
		"hit.example.": true, "x.y.hit.example.": true, "ok.hit.example.": false, "lifted.example.": false,
		"x.a.b.c.d.e.f.example.": true, "miss.example.": false, "a.b.c.d.e.example.": false,
	} {
		var v Verdict
		got := testing.AllocsPerRun(100, func() {
			var q Asked
			q.Set(name)
			if s.Covers(&q.Wire) {
				v = s.Decide(&q, client, 5)
			}
		})
		if got != 0 || v.Blocked() != blocked {
			t.Errorf("%s: %v allocations, blocked %v, want 0 and %v", name, got, v.Blocked(), blocked)
		}
	}
}
