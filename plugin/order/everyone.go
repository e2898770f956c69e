package order

import (
	"cmp"
	"net/netip"
	"slices"
)

// everyone contains all addresses.
var everyone = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}

// ExemptsAll reports whether the exemptions at a given time cover every client of the scope. It
// returns false for most scopes with countries, because the addresses of countries are unknown.
func (t *Terms) ExemptsAll(now Time) bool { return Exempted(t.Exempt, now).CoverScope(t.Scope) }

// Networks is a sorted list of networks without overlaps. The two halves of a network are joined,
// for example 192.0.2.0/25 and 192.0.2.128/25.
type Networks []netip.Prefix

// Exempted returns the networks of the exemptions that are in force at a given time.
func Exempted(list []Exempt, now Time) Networks {
	var nets []netip.Prefix
	for _, e := range list {
		if e.Until == NoTime || e.Until > now {
			nets = append(nets, e.Clients...)
		}
	}
	return union(nets)
}

// CoverScope reports whether the networks contain all clients of a scope. A nil scope means all
// clients.
func (ns Networks) CoverScope(s *Scope) bool {
	if ns.cover(everyone) {
		return true
	}
	return s != nil && !s.Global && len(s.Countries) == 0 && len(s.Clients) > 0 && ns.cover(s.Clients)
}

func union(list []netip.Prefix) Networks {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b netip.Prefix) int {
		return cmp.Or(a.Addr().Compare(b.Addr()), a.Bits()-b.Bits())
	})
	var out Networks
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

func (ns Networks) cover(list []netip.Prefix) bool {
	return !slices.ContainsFunc(list, func(x netip.Prefix) bool {
		i, found := slices.BinarySearchFunc(ns, x.Addr(), func(n netip.Prefix, a netip.Addr) int { return n.Addr().Compare(a) })
		if !found {
			i--
		}
		return i < 0 || ns[i].Bits() > x.Bits() || !ns[i].Contains(x.Addr())
	})
}
