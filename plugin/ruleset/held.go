package ruleset

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/gaissmai/bart"
)

// Guard says which targets must not be enforced, so that a slip does not block
// what nobody can have meant. It is immutable and comparable.
type Guard interface {
	// Name returns why a target at the name is held, "" when it is not. A "*."
	// target is judged by its base. The Wire is good for the call only.
	Name(*dname.Wire) string
	// Address is Name for addresses and networks.
	Address(netip.Prefix) string
	// Protected reports whether an asked name is to be left alone wherever its
	// answer leads.
	Protected(*dname.Wire) bool
}

// heldPlace is a name or a network at which the guard holds targets.
type heldPlace struct {
	name dname.Name
	net  netip.Prefix
	why  string
}

// held are the targets of a part, or of a set, that the guard holds. What is
// held is the place: an order is enforced there all the same when it has a reason
// to (see forced). There are few, so a query pays for a look at a length.
type held struct {
	names map[string]*heldPlace // by wire form
	nets  map[netip.Prefix]*heldPlace
}

func (h *held) at(suffix []byte) *heldPlace {
	if len(h.names) == 0 {
		return nil
	}
	return h.names[string(suffix)]
}

// of returns where a target is held, nil when it is not.
func (h *held) of(t *target) *heldPlace {
	if t.net.IsValid() {
		return h.nets[t.net]
	}
	return h.at([]byte(t.name.Wire()))
}

// checkName asks the guard about a name.
func (h *held) checkName(g Guard, w *dname.Wire) {
	why := g.Name(w)
	if why == "" {
		return
	}
	if h.names == nil {
		h.names = map[string]*heldPlace{}
	}
	n := w.Name()
	h.names[n.Wire()] = &heldPlace{name: n, why: why}
}

// checkNet asks the guard about a network.
func (h *held) checkNet(g Guard, x netip.Prefix) {
	why := g.Address(x)
	if why == "" {
		return
	}
	if h.nets == nil {
		h.nets = map[netip.Prefix]*heldPlace{}
	}
	h.nets[x] = &heldPlace{net: x, why: why}
}

// forced are the targets that an order wants enforced though the guard holds them.
type forced struct {
	targets map[forcedTarget]struct{}
}

type forcedTarget struct {
	name dname.Name
	net  netip.Prefix
	// below: it is "*.example.com", another target than "example.com".
	below bool
}

func newForced(list []order.Force) *forced {
	if len(list) == 0 {
		return nil
	}
	f := &forced{make(map[forcedTarget]struct{}, len(list))}
	for _, x := range list {
		if net, why := order.ParsePrefix(x.Target); why == "" {
			f.targets[forcedTarget{net: net}] = struct{}{}
		} else if name, m, err := order.ParseTarget(x.Target); err == nil {
			f.targets[forcedTarget{name: name, below: m == order.BelowOnly}] = struct{}{}
		} // else the parser has refused what is no target
	}
	return f
}

// covers reports whether the order forces its target at a place that is held.
func (f *forced) covers(h *heldPlace, m order.Match) bool {
	if f == nil {
		return false
	}
	_, ok := f.targets[forcedTarget{h.name, h.net, m == order.BelowOnly}]
	return ok
}

// Guarded returns the part as another guard sees it, without parsing it again.
// It looks at every name.
func (p *Part) Guarded(g Guard) *Part {
	q := *p
	q.held, q.guard = held{}, g
	if g == nil {
		return &q
	}
	g = wary{g, p.embeddings}
	for w, ref := range p.names.Wires() {
		if blocks(p.list(ref)) {
			q.held.checkName(g, w)
		}
	}
	for x, rules := range p.networks() {
		if blocks(rules) {
			q.held.checkNet(g, x)
		}
	}
	return &q
}

// hold puts together what is held in the set, and counts it for each order.
func (s *Set) hold() {
	s.held = held{map[string]*heldPlace{}, map[netip.Prefix]*heldPlace{}}
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
					s.held.nets[x] = &heldPlace{net: x, why: "has " + a.Addr().String() + " in it, to which answers redirect"}
					break
				}
			}
		}
	}
	s.findHeld()
}

// heldTarget is a target of a block order that is held.
type heldTarget struct {
	entry *entry
	place *heldPlace
	match order.Match
}

// findHeld finds the targets that are held, and counts them for each order.
func (s *Set) findHeld() {
	add := func(p *Part, rules []rule, h *heldPlace) {
		for i := range rules {
			r := &rules[i]
			if e := p.entries.at(r.entry); r.kind >= blockExact && !e.force.covers(h, r.kind.match()) {
				s.heldTargets = append(s.heldTargets, heldTarget{e, h, r.kind.match()})
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
			return cmp.Or(cmp.Compare(a.entry.index, b.entry.index), a.place.name.Compare(b.place.name),
				a.place.net.Compare(b.place.net), cmp.Compare(a.match, b.match))
		})
		// A target that stands twice, at different times, is one.
		s.heldTargets = s.heldTargets[:from+len(slices.Compact(own))]
	}
	if len(s.heldTargets) > 0 {
		s.heldOf = map[*entry]int32{}
	}
	for _, h := range s.heldTargets {
		s.heldOf[h.entry]++
	}
}

// undecidable reports whether an order's scope cannot be decided, because nothing
// tells the country of clients.
func (s *Set) undecidable(e *entry) bool {
	return s.opt.NoCountry && e.scope.hasCountries() && !e.scope.hasNets
}

// heldBack reports whether nothing of an order can be enforced.
func (s *Set) heldBack(e *entry) bool {
	return s.undecidable(e) || s.heldOf[e] > 0 && s.heldOf[e] >= s.enforceable(e)
}

// enforceable is the number of the order's targets that are enforced when nothing
// holds them.
func (s *Set) enforceable(e *entry) int32 {
	if s.opt.Addresses {
		return e.names + e.addrs
	}
	return e.names
}

// Held is a target that is not enforced, or an order that is not.
type Held struct {
	Order *Order
	// Target is the name or network as an order file writes it; empty when the
	// order as a whole is held.
	Target string
	Why    string
	File   string
	// Line and Column are the order's in its file, from 1.
	Line, Column int
}

// noCountry is why an order is held whose scope cannot be decided.
const noCountry = "is for clients of some countries, and nothing tells the country of clients: set country or home in the Corefile, or use the geoip and metadata plugins"

// Held returns what is held of the orders of the set, draft and suspended ones
// and those of the past included, in the order of the files.
func (s *Set) Held() (out []Held) {
	byEntry := map[*entry][]heldTarget{}
	for _, h := range s.heldTargets {
		byEntry[h.entry] = append(byEntry[h.entry], h)
	}
	s.each(func(_ *Part, e *entry) {
		if s.undecidable(e) {
			out = append(out, Held{&e.Order, "", noCountry, *e.file, int(e.line), int(e.column)})
		}
		for _, h := range byEntry[e] {
			out = append(out, Held{&e.Order, h.String(), h.place.why, *e.file, int(e.line), int(e.column)})
		}
	})
	return out
}

// String returns the target as order files write it.
func (h heldTarget) String() string {
	if h.place.net.IsValid() {
		return h.place.net.String()
	}
	return h.match.Pattern(h.place.name)
}
