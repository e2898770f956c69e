package ruleset

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/dns-orders/blocklist/plugin/order"
)

// everyone contains all addresses.
var everyone = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}

// ExemptsAll reports whether an order exempts every client of its scope at the time now.
// For most scopes with countries it returns false, because addresses of countries are not
// known.
func ExemptsAll(t *order.Terms, now order.Time) bool {
	return coversScope(exemptNets(t.Exempt, now), t.Scope)
}

func exemptNets(list []order.Exempt, now order.Time) networks {
	var nets []netip.Prefix
	for _, e := range list {
		if e.Until == order.NoTime || e.Until > now {
			nets = append(nets, e.Clients...)
		}
	}
	return union(nets)
}

func coversScope(exempt networks, s *order.Scope) bool {
	if exempt.cover(everyone) {
		return true
	}
	return s != nil && !s.Global && len(s.Countries) == 0 && len(s.Clients) > 0 && exempt.cover(s.Clients)
}

// networks is a sorted list of networks without overlaps. Two halves of a network are
// joined.
type networks []netip.Prefix

// union returns the shortest list of networks with exactly the addresses of the given
// networks.
func union(list []netip.Prefix) networks {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b netip.Prefix) int {
		return cmp.Or(a.Addr().Compare(b.Addr()), a.Bits()-b.Bits())
	})
	var out networks
	for _, x := range list {
		if n := len(out); n > 0 && out[n-1].Overlaps(x) {
			continue // the previous network contains x
		}
		out = append(out, x)
		for n := len(out); n > 1; n-- {
			a, b := out[n-2], out[n-1]
			if a.Bits() == 0 || a.Bits() != b.Bits() || a.Addr().BitLen() != b.Addr().BitLen() {
				break
			}
			both := netip.PrefixFrom(a.Addr(), a.Bits()-1).Masked()
			if both.Addr() != a.Addr() || !both.Contains(b.Addr()) {
				break
			}
			out = append(out[:n-2], both)
		}
	}
	return out
}

func (ns networks) cover(list []netip.Prefix) bool {
	return !slices.ContainsFunc(list, func(x netip.Prefix) bool {
		i, found := slices.BinarySearchFunc(ns, x.Addr(), func(n netip.Prefix, a netip.Addr) int { return n.Addr().Compare(a) })
		if !found {
			i--
		}
		return i < 0 || ns[i].Bits() > x.Bits() || !ns[i].Contains(x.Addr())
	})
}
