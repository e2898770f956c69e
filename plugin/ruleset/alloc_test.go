package ruleset

import (
	"net/netip"
	"testing"
)

func TestDecideAllocatesNothing(t *testing.T) {
	was := longListFrom
	t.Cleanup(func() { longListFrom = was })
	decideAllocatesNothing(t)
	longListFrom = 1 // every list of rules gets an index
	decideAllocatesNothing(t)
}

func decideAllocatesNothing(t *testing.T) {
	t.Helper()
	orders := `
- {id: b, issued: 2024-01-01, scope: {countries: [EU], clients: [10.0.0.0/8]}, except: [ok.hit.example],
   targets: [hit.example, lifted.example, a.b.c.d.e.f.example, w.bank.example, {address: 198.51.100.0/24, enforced_by: dns}, {address: 192.0.2.1, enforced_by: dns}]}
- {id: l, action: lift, issued: 2024-01-02, targets: [lifted.example, {address: 198.51.100.8/29}]}
- {id: s, status: shadow, targets: [dark.example]}
`
	s, free := with(t, Options{Guard: bank(t), Addresses: true}, orders), with(t, Options{Addresses: true}, orders)
	q := Query{Client: Client{netip.MustParseAddr("10.1.1.1"), "IT"}, Now: at(t, "2026-01-01")}
	costs := func(allocs float64, what string, want bool, judge func() Verdict) {
		t.Helper()
		var v Verdict
		if n := testing.AllocsPerRun(100, func() { v = judge() }); n != allocs || v.Blocked() != want {
			t.Errorf("%s: %v allocations, blocked %v, want %v and %v", what, n, v.Blocked(), allocs, want)
		}
	}
	for name, blocked := range map[string]bool{
		"hit.example.": true, "x.y.hit.example.": true, "ok.hit.example.": false, "lifted.example.": false,
		"x.a.b.c.d.e.f.example.": true, "miss.example.": false, "a.b.c.d.e.example.": false, "w.bank.example.": false,
	} {
		costs(0, name, blocked, func() (v Verdict) {
			var n QName
			n.Set(name)
			if s.Covers(&n.Wire) {
				v = s.Decide(&n, q)
			}
			return v
		})
		led := func(s *Set) func() Verdict {
			return func() Verdict {
				var n, hit QName
				n.Set(name)
				hit.Set("hit.example.")
				led := q
				led.QName = &n
				return s.Decide(&hit, led)
			}
		}
		spared := name == "ok.hit.example." || name == "lifted.example."
		costs(0, name+" leads to a hit", !spared, led(free))
		copies := 1.0
		if spared {
			copies = 0 // the guard is called only for blocked names
		}
		costs(copies, name+" leads to a hit, guarded", !spared && name != "w.bank.example.", led(s))
	}
	costs(0, "shadow", true, func() Verdict {
		var n QName
		n.Set("dark.example.")
		dark := q
		dark.Shadow = true
		return s.Decide(&n, dark)
	})
	for addr, blocked := range map[string]bool{
		"198.51.100.1": true, "::ffff:198.51.100.1": true, "198.51.100.9": false, "192.0.2.1": false, "203.0.113.1": false, "2001:db8::1": false,
	} {
		a := netip.MustParseAddr(addr)
		costs(0, addr, blocked, func() Verdict { return s.DecideAddress(a, q) })
		costs(0, addr+" for a name", blocked || addr == "192.0.2.1", func() Verdict {
			var n QName
			n.Set("www.example.")
			led := q
			led.QName = &n
			return free.DecideAddress(a, led)
		})
	}
}
