package ruleset

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
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

// heldTarget is a name or a network whose targets the guard holds.
type heldTarget struct {
	name dname.Name
	net  netip.Prefix
	why  string
}

// held are the targets of a part, or of a set, that the guard holds. What is
// held is the place: an order is enforced there all the same when it has a reason
// to (see forced). There are few, so a query pays for a look at a length.
type held struct {
	names map[string]*heldTarget // by wire form
	nets  map[netip.Prefix]*heldTarget
}

func (h *held) at(suffix []byte) *heldTarget {
	if len(h.names) == 0 {
		return nil
	}
	return h.names[string(suffix)]
}

// name asks the guard about a name.
func (h *held) name(g Guard, w *dname.Wire) {
	why := g.Name(w)
	if why == "" {
		return
	}
	if h.names == nil {
		h.names = map[string]*heldTarget{}
	}
	n := w.Name()
	h.names[n.Wire()] = &heldTarget{name: n, why: why}
}

// net asks the guard about a network.
func (h *held) net(g Guard, x netip.Prefix) {
	if why := g.Address(x); why != "" {
		h.holdNet(x, why)
	}
}

func (h *held) holdNet(x netip.Prefix, why string) {
	if h.nets == nil {
		h.nets = map[netip.Prefix]*heldTarget{}
	}
	h.nets[x] = &heldTarget{net: x, why: why}
}

// forced are the targets that an order wants enforced though the guard holds them.
type forced struct {
	targets []forcedTarget
}

type forcedTarget struct {
	heldTarget
	// match is Below for "*.example.com", which forces that target only.
	match  order.Match
	reason string
}

func newForced(list []order.Force) *forced {
	if len(list) == 0 {
		return nil
	}
	f := &forced{}
	for _, x := range list {
		t := forcedTarget{reason: x.Reason}
		if p, why := order.ParsePrefix(x.Target); why == "" {
			t.net = p
		} else if n, m, err := order.ParseTarget(x.Target); err == nil {
			t.name, t.match = n, m
		} else {
			continue // the parser has refused what is no target
		}
		f.targets = append(f.targets, t)
	}
	return f
}

// covers reports whether the order forces its target at a place that is held.
func (f *forced) covers(h *heldTarget, m order.Match) bool {
	if f == nil {
		return false
	}
	for i := range f.targets {
		t := &f.targets[i]
		if t.name == h.name && t.net == h.net && (t.match != order.Below || m == order.Below) {
			return true
		}
	}
	return false
}

// Guarded returns the part as another guard sees it, without parsing it again.
// It looks at every name.
func (p *Part) Guarded(g Guard) *Part {
	q := *p
	q.held = held{}
	if g == nil {
		return &q
	}
	for w, ref := range p.names.Wires() {
		if blocks(p.list(ref)) {
			q.held.name(g, w)
		}
	}
	for x, rules := range p.networks() {
		if blocks(rules) {
			q.held.net(g, x)
		}
	}
	return &q
}

// hold puts together what is held in a set, and counts it for each order.
func (s *Set) hold(opt Options) {
	redirects := map[netip.Addr]bool{}
	for _, p := range s.parts {
		for _, a := range p.redirects {
			redirects[a] = true
		}
		for k, h := range p.held.names {
			if s.held.names == nil {
				s.held.names = map[string]*heldTarget{}
			}
			s.held.names[k] = h
		}
		for x, h := range p.held.nets {
			s.held.holdNet(x, h.why)
		}
	}
	for _, p := range s.parts {
		if opt.Guard == nil {
			break
		}
		for x := range p.networks() {
			for a := range redirects {
				if x.Contains(a) {
					s.held.holdNet(x, "is, or holds, the address "+a.String()+" that answers redirect to")
				}
			}
		}
	}
	s.findHeld()
}

// heldRule is a target of a block order that is held.
type heldRule struct {
	entry *entry
	place *heldTarget
	match order.Match
}

// findHeld finds the targets that are held, and counts them for each order.
func (s *Set) findHeld() {
	add := func(p *Part, rules []rule, h *heldTarget) {
		for i := range rules {
			r := &rules[i]
			if e := &p.entries[r.entry]; r.kind >= blockExact && !e.force.covers(h, r.kind.match()) {
				s.heldRules = append(s.heldRules, heldRule{e, h, r.kind.match()})
			}
		}
	}
	var w dname.Wire
	for _, p := range s.parts {
		from := len(s.heldRules)
		for _, h := range p.held.names {
			w.SetName(h.name)
			add(p, p.rulesAt(&w), h)
		}
		for x, rules := range p.networks() {
			if h := s.held.nets[x]; h != nil && s.opt.Addresses {
				add(p, rules, h)
			}
		}
		own := s.heldRules[from:]
		slices.SortFunc(own, func(a, b heldRule) int {
			return cmp.Or(cmp.Compare(a.entry.index, b.entry.index), a.place.name.Compare(b.place.name),
				a.place.net.Compare(b.place.net), cmp.Compare(a.match, b.match))
		})
		// A target that stands twice, at different times, is one.
		s.heldRules = s.heldRules[:from+len(slices.Compact(own))]
	}
	if len(s.heldRules) > 0 {
		s.heldOf = map[*entry]int32{}
	}
	for _, h := range s.heldRules {
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
	Line   int // of the order in its file
}

// noCountry is why an order is held whose scope cannot be decided.
const noCountry = "is for clients of some countries, and nothing tells the country of clients: set country or home in the Corefile, or use the geoip and metadata plugins"

// Held returns what is held of the orders of the set, draft and suspended ones
// and those of the past included, in the order of the files.
func (s *Set) Held() (out []Held) {
	byEntry := map[*entry][]heldRule{}
	for _, h := range s.heldRules {
		byEntry[h.entry] = append(byEntry[h.entry], h)
	}
	s.each(func(_ *Part, e *entry) {
		if s.undecidable(e) {
			out = append(out, Held{&e.Order, "", noCountry, *e.file, int(e.line)})
		}
		for _, h := range byEntry[e] {
			out = append(out, Held{&e.Order, h.String(), h.place.why, *e.file, int(e.line)})
		}
	})
	return out
}

// String returns the target as order files write it.
func (h heldRule) String() string {
	switch {
	case h.place.net.IsValid():
		return h.place.net.String()
	case h.match == order.Below:
		return "*." + h.place.name.String()
	}
	return h.place.name.String()
}
