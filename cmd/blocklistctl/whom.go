package main

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// groupJSON is a group of clients with one verdict.
type groupJSON struct {
	Clients string `json:"clients"`
	Blocked bool   `json:"blocked"`
	Order   string `json:"order,omitempty"`
}

// maxNetworks bounds the networks whose clients explain judges one network at a time.
const maxNetworks = 64

// kinds are the kinds of clients that the orders on a name tell apart.
type kinds struct {
	countries []countryKind
	networks  []netip.Prefix
	// incomplete: there are more kinds, which are not shown.
	incomplete bool
}

// countryKind is a country, or a group of countries, and one country of the group.
type countryKind struct {
	text string
	cc   order.Country
}

// whom judges the name for every kind of client that a may be, and returns the kinds, the
// kind without a name of its own last. It reports whether the groups are all clients.
func (x *explainer) whom(s *server, q *ruleset.QName, a asking, reasons []ruleset.Reason) (groups []groupJSON, all bool) {
	k := x.kinds(s, a, reasons)
	add := func(text string, v ruleset.Verdict) {
		g := groupJSON{Clients: text, Blocked: v.Blocked() && !s.Store.Shadow}
		if g.Blocked {
			g.Order = x.label(v.Order)
		}
		groups = append(groups, g)
	}
	judge := func(cc order.Country, addr netip.Addr) ruleset.Verdict {
		return x.l.set.Decide(q, ruleset.Query{Client: ruleset.Client{Addr: addr, Country: cc}, Now: x.now})
	}
	base := judge(a.Country, a.Addr)
	for _, c := range k.countries {
		add("clients in "+c.text, judge(c.cc, a.Addr))
	}
	for i, n := range k.networks {
		addr, ok := inside(n, k.networks[i+1:])
		if !ok {
			continue
		}
		same, like := true, true // the network is alike in all countries, and like the clients outside
		v := judge(a.Country, addr)
		like = v.Blocked() == base.Blocked()
		for j, c := range k.countries {
			b := judge(c.cc, addr).Blocked()
			same, like = same && b == v.Blocked(), like && b == groups[j].Blocked
		}
		switch {
		case like:
		case same:
			add("clients in "+n.String(), v)
		default:
			var texts []string
			for _, c := range k.countries {
				add("clients in "+n.String()+" and "+c.text, judge(c.cc, addr))
				texts = append(texts, c.text)
			}
			add("clients in "+n.String()+" and not in "+strings.Join(texts, ", "), v)
		}
	}
	add("other clients", base)
	return groups, !k.incomplete
}

// kinds finds what the orders on a name tell clients apart by: the scopes and exemptions
// of the orders, and the scopes of all lifts.
func (x *explainer) kinds(s *server, a asking, reasons []ruleset.Reason) (k kinds) {
	var ccs []order.Country
	note := func(o *order.Order) {
		var nets []netip.Prefix
		var named []order.Country
		if o.Scope != nil {
			nets, named = append(nets, o.Scope.Clients...), o.Scope.Countries
		}
		for _, e := range o.Exempt {
			nets = append(nets, e.Clients...)
		}
		if x.disclosure[o.ID].Sealed() && !x.sealed {
			k.incomplete = k.incomplete || len(nets)+len(named) > 0
			return
		}
		ccs, k.networks = append(ccs, named...), append(k.networks, nets...)
	}
	for _, o := range x.l.all() {
		if o.Lifting() {
			note(o)
		}
	}
	for _, r := range reasons {
		if o := x.byID[r.Order.ID]; o != nil {
			note(o)
		}
	}
	slices.Sort(ccs)
	ccs = slices.Compact(ccs)
	placed := s.placed(a)
	k.countries = countryKinds(ccs, func(cc order.Country) bool { return a.anyCountry || slices.Contains(placed, cc) })
	// Countries of the Corefile that no order names are one kind, apart from home.
	placed = slices.DeleteFunc(placed, func(cc order.Country) bool {
		return slices.Contains(ccs, cc) || slices.Contains(ccs, order.EU) && cc.InEU()
	})
	if len(placed) > 0 {
		text := make([]string, len(placed))
		for i, cc := range placed {
			text[i] = string(cc)
		}
		k.countries = append(k.countries, countryKind{strings.Join(text, ", "), placed[0]})
	}
	if !a.anyAddress {
		k.networks = nil
	}
	// A network stands before those inside it.
	slices.SortFunc(k.networks, func(a, b netip.Prefix) int { return a.Compare(b) })
	if k.networks = slices.Compact(k.networks); len(k.networks) > maxNetworks {
		k.networks, k.incomplete = nil, true
	}
	return k
}

// placed returns the countries, but for that of a, in which the Corefile may place the
// client.
func (s *server) placed(a asking) (out []order.Country) {
	if s.block == nil || !a.anyAddress || !a.fromPlaces {
		return nil
	}
	for _, cc := range s.Places.Nets.All() {
		if cc != a.Country {
			out = append(out, cc)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// countryKinds returns each of the countries that is possible, in order, and the rest of
// the EU when the EU is among the countries. The countries are sorted.
func countryKinds(ccs []order.Country, possible func(order.Country) bool) (out []countryKind) {
	members := 0
	for _, cc := range ccs {
		if cc == order.EU || !possible(cc) {
			continue
		}
		out = append(out, countryKind{string(cc), cc})
		if cc.InEU() {
			members++
		}
	}
	if !slices.Contains(ccs, order.EU) {
		return out
	}
	for _, cc := range euMembers() {
		if possible(cc) && !slices.Contains(ccs, cc) {
			text := "the EU"
			if members > 0 {
				text = "other countries of the EU"
			}
			return append(out, countryKind{text, cc})
		}
	}
	return out
}

// euMembers returns the countries of the EU.
func euMembers() (out []order.Country) {
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			if cc := order.Country([]rune{a, b}); cc.InEU() {
				out = append(out, cc)
			}
		}
	}
	return out
}

// inside returns an address of a network that is in none of the networks after it, which
// are sorted. It reports whether there is such an address.
func inside(n netip.Prefix, after []netip.Prefix) (netip.Addr, bool) {
	a := n.Addr()
	for _, m := range after {
		if !n.Overlaps(m) {
			break
		}
		if m.Contains(a) {
			if a = last(m).Next(); !a.IsValid() || !n.Contains(a) {
				return netip.Addr{}, false
			}
		}
	}
	return a, true
}

// last returns the last address of a network.
func last(n netip.Prefix) netip.Addr {
	b := n.Addr().AsSlice()
	for i := n.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// whomText says for whom the name is blocked, in one line. It is empty when the verdict is
// the same for all.
func whomText(groups []groupJSON, all bool) string {
	others := groups[len(groups)-1].Blocked
	verb := map[bool]string{true: "blocked for ", false: "not blocked for "}
	if !all {
		var parts []string
		for _, g := range groups[:len(groups)-1] {
			parts = append(parts, verb[g.Blocked]+g.Clients)
		}
		return strings.Join(append(parts, "for other clients it is not shown; --client, --country or --sealed says more"), "; ")
	}
	var unlike []string
	for _, g := range groups {
		if g.Blocked != others {
			unlike = append(unlike, g.Clients)
		}
	}
	switch {
	case unlike == nil:
		return ""
	case others:
		return "not blocked for " + strings.Join(unlike, ", ") + "; blocked for others"
	}
	return "blocked for " + strings.Join(unlike, ", ") + "; not for others"
}

// sameForAll reports whether all groups have the same verdict.
func sameForAll(groups []groupJSON) bool {
	return !slices.ContainsFunc(groups, func(g groupJSON) bool { return g.Blocked != groups[0].Blocked })
}
