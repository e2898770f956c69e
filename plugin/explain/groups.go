package explain

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// A Group is a group of clients with the same verdict.
type Group struct {
	Clients string `json:"clients"`
	Blocked bool   `json:"blocked"`
	Order   string `json:"order,omitempty"`
}

const maxNetworks = 64

type clientKinds struct {
	countries  []CountryKind
	networks   []netip.Prefix
	incomplete bool
}

// A CountryKind is a group of countries with the same verdict. Country is a member of the group.
type CountryKind struct {
	Text    string
	Country order.Country
}

func (x *explainer) groups(s *Server, q *ruleset.QName, a *Client, reasons []ruleset.Reason) (groups []Group, all bool) {
	k := x.kinds(s, a, reasons)
	add := func(text string, v ruleset.Verdict) {
		g := Group{Clients: text, Blocked: v.Blocked() && !s.Store.Shadow}
		if g.Blocked {
			g.Order = x.label(v.Order)
		}
		groups = append(groups, g)
	}
	decide := func(cc order.Country, addr netip.Addr) ruleset.Verdict {
		return x.Set.Decide(q, ruleset.Query{Client: ruleset.Client{Addr: addr, Country: cc}, Now: x.Now})
	}
	base := decide(a.Country, a.Addr)
	for _, c := range k.countries {
		add("clients in "+c.Text, decide(c.Country, a.Addr))
	}
	for i, n := range k.networks {
		addr, ok := inside(n, k.networks[i+1:])
		if !ok {
			continue
		}
		same, like := true, true
		v := decide(a.Country, addr)
		like = v.Blocked() == base.Blocked()
		for j, c := range k.countries {
			b := decide(c.Country, addr).Blocked()
			same, like = same && b == v.Blocked(), like && b == groups[j].Blocked
		}
		switch {
		case like:
		case same:
			add("clients in "+n.String(), v)
		default:
			var texts []string
			for _, c := range k.countries {
				add("clients in "+n.String()+" and "+c.Text, decide(c.Country, addr))
				texts = append(texts, c.Text)
			}
			add("clients in "+n.String()+" and not in "+strings.Join(texts, ", "), v)
		}
	}
	add("other clients", base)
	return groups, !k.incomplete
}

func (x *explainer) kinds(s *Server, a *Client, reasons []ruleset.Reason) (k clientKinds) {
	var ccs []order.Country
	note := func(o *ruleset.Order) {
		var nets []netip.Prefix
		var named []order.Country
		if o.Terms.Scope != nil {
			nets, named = append(nets, o.Terms.Scope.Clients...), o.Terms.Scope.Countries
		}
		for _, e := range o.Terms.Exempt {
			nets = append(nets, e.Clients...)
		}
		if x.Hidden(o) {
			k.incomplete = k.incomplete || len(nets)+len(named) > 0
			return
		}
		ccs, k.networks = append(ccs, named...), append(k.networks, nets...)
	}
	for o := range x.Set.Lifts() {
		note(o)
	}
	for _, r := range reasons {
		note(r.Order)
	}
	slices.Sort(ccs)
	ccs = slices.Compact(ccs)
	placed := s.placed(a)
	k.countries = CountryKinds(ccs, func(cc order.Country) bool { return a.AnyCountry || slices.Contains(placed, cc) })
	placed = slices.DeleteFunc(placed, func(cc order.Country) bool {
		return slices.Contains(ccs, cc) || slices.Contains(ccs, order.EU) && cc.InEU()
	})
	if len(placed) > 0 {
		text := make([]string, len(placed))
		for i, cc := range placed {
			text[i] = string(cc)
		}
		k.countries = append(k.countries, CountryKind{strings.Join(text, ", "), placed[0]})
	}
	if !a.AnyAddress {
		k.networks = nil
	}
	// A network comes before the networks inside it.
	slices.SortFunc(k.networks, func(a, b netip.Prefix) int { return a.Compare(b) })
	if k.networks = slices.Compact(k.networks); len(k.networks) > maxNetworks {
		k.networks, k.incomplete = nil, true
	}
	return k
}

func (s *Server) placed(a *Client) (out []order.Country) {
	if s.Block == nil || !a.AnyAddress || !a.FromPlaces {
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

// CountryKinds returns a group for each possible country of a sorted list. If the list contains the
// EU, one more group stands for the other EU countries.
func CountryKinds(ccs []order.Country, possible func(order.Country) bool) (out []CountryKind) {
	members := 0
	for _, cc := range ccs {
		if cc == order.EU || !possible(cc) {
			continue
		}
		out = append(out, CountryKind{string(cc), cc})
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
			return append(out, CountryKind{text, cc})
		}
	}
	return out
}

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

// The networks in the list must be sorted.
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

func groupsText(groups []Group, all bool) string {
	others := groups[len(groups)-1].Blocked
	verb := map[bool]string{true: "blocked for ", false: "not blocked for "}
	if !all {
		var parts []string
		for _, g := range groups[:len(groups)-1] {
			parts = append(parts, verb[g.Blocked]+g.Clients)
		}
		return strings.Join(append(parts, "the verdict for other clients is not shown; use --client, --country or --sealed"), "; ")
	}
	var exceptions []string
	for _, g := range groups {
		if g.Blocked != others {
			exceptions = append(exceptions, g.Clients)
		}
	}
	switch {
	case exceptions == nil:
		return ""
	case others:
		return "not blocked for " + strings.Join(exceptions, ", ") + "; blocked for others"
	}
	return "blocked for " + strings.Join(exceptions, ", ") + "; not for others"
}

func sameForAll(groups []Group) bool {
	return !slices.ContainsFunc(groups, func(g Group) bool { return g.Blocked != groups[0].Blocked })
}
