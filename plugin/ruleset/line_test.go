package ruleset

import (
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/gaissmai/bart"
)

// TestTree compares a tree with a check of each leaf.
func TestTree(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	pool := []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")}
	for range 20_000 {
		var exempts []*bart.Lite
		for range 1 + r.IntN(4) {
			x := new(bart.Lite)
			for range 1 + r.IntN(3) {
				x.Insert(pool[r.IntN(len(pool))])
			}
			exempts = append(exempts, x)
		}
		var leaves tree
		rate := r.IntN(5)
		for range r.IntN(20) {
			var x *bart.Lite
			if r.IntN(5) < rate {
				x = exempts[r.IntN(len(exempts))]
			}
			leaves.until, leaves.exempt = append(leaves.until, order.Time(1+r.IntN(4))), append(leaves.exempt, x)
		}
		tr := newTree(leaves)
		for _, c := range []netip.Addr{{}, netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("2001:db8::1")} {
			for k := range len(leaves.until) + 2 {
				now := order.Time(r.IntN(5))
				want := -1
				for i := k; i < len(leaves.until) && want < 0; i++ {
					exempt := leaves.exempt[i] != nil && c.IsValid() && leaves.exempt[i].Contains(c)
					if leaves.until[i] > now && !exempt {
						want = i
					}
				}
				if got := tr.next(k, c, now); got != want {
					t.Fatalf("%v from %d on at %d for %v: %d, want %d", leaves, k, now, c, got, want)
				}
			}
		}
	}
}
