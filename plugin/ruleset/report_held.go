package ruleset

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/gaissmai/bart"
)

func (s *Set) hold() {
	s.held = held{map[string]*heldNode{}, map[netip.Prefix]*heldNode{}}
	var redirects bart.Lite
	for _, p := range s.parts {
		for _, a := range p.redirects {
			redirects.Insert(netip.PrefixFrom(a, a.BitLen()))
			for i := range s.embeddings {
				if v4, ok := s.embeddings[i].inside(a); ok {
					redirects.Insert(netip.PrefixFrom(v4, v4.BitLen()))
				}
			}
		}
		maps.Copy(s.held.names, p.held.names)
		maps.Copy(s.held.nets, p.held.nets)
	}
	if s.opt.Guard != nil {
		for _, p := range s.parts {
			for x := range p.networks() {
				for a := range redirects.Subnets(x) {
					s.held.nets[x] = &heldNode{net: x, why: "has " + a.Addr().String() + " in it, to which answers redirect"}
					break
				}
			}
		}
	}
	s.findHeld()
}

type heldTarget struct {
	entry *entry
	target
	why string
}

func (s *Set) findHeld() {
	add := func(p *Part, rules []rule, h *heldNode) {
		for i := range rules {
			r := &rules[i]
			if e := p.entries.at(r.entry); r.kind >= blockExact && !e.force.covers(h, r.kind.match()) {
				s.heldTargets = append(s.heldTargets, heldTarget{e, target{h.name, r.kind.match(), h.net}, h.why})
			}
		}
	}
	var w dname.Wire
	for _, p := range s.parts {
		from := len(s.heldTargets)
		for _, h := range p.held.names {
			w.SetName(h.name)
			add(p, p.rulesAt(&w), h)
		}
		if s.opt.Addresses {
			for x, rules := range p.networks() {
				if h := s.held.nets[x]; h != nil {
					add(p, rules, h)
				}
			}
		}
		own := s.heldTargets[from:]
		slices.SortFunc(own, func(a, b heldTarget) int {
			return cmp.Or(cmp.Compare(a.entry.index, b.entry.index), a.name.Compare(b.name), a.net.Compare(b.net), cmp.Compare(a.match, b.match))
		})
		// A target that an order lists twice counts once.
		s.heldTargets = s.heldTargets[:from+len(slices.Compact(own))]
	}
	if len(s.heldTargets) > 0 {
		s.heldOf = map[*entry]int32{}
	}
	for _, h := range s.heldTargets {
		s.heldOf[h.entry]++
	}
}

func (s *Set) undecidable(e *entry) bool {
	return s.opt.NoCountry && e.scope.hasCountries() && !e.scope.hasNets
}

func (s *Set) heldBack(e *entry) bool {
	return s.undecidable(e) || s.heldOf[e] > 0 && s.heldOf[e] >= s.enforceable(e)
}

func (s *Set) enforceable(e *entry) int32 {
	if s.opt.Addresses {
		return e.names + e.addrs
	}
	return e.names
}

// A Held describes a held target, or an order without any enforceable target.
type Held struct {
	Order *Order
	// Target is the name or network. Target is empty if no target of the order can be enforced.
	Target       string
	Why          string
	File         string
	Line, Column int
}

const noCountry = "is for clients of some countries, but the country of clients is not known: set country or home in the Corefile, or use the geoip and metadata plugins"

// Held returns the held targets and the orders that can have no effect, in the sequence of the
// files. Ended and inactive orders are included.
func (s *Set) Held() (out []Held) {
	byEntry := map[*entry][]heldTarget{}
	for _, h := range s.heldTargets {
		byEntry[h.entry] = append(byEntry[h.entry], h)
	}
	for _, e := range s.all() {
		if s.undecidable(e) {
			out = append(out, Held{&e.Order, "", noCountry, *e.file, int(e.line), int(e.column)})
		}
		for _, h := range byEntry[e] {
			out = append(out, Held{&e.Order, h.String(), h.why, *e.file, int(e.line), int(e.column)})
		}
	}
	return out
}
