package ruleset

import (
	"net/netip"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

// A Guard decides which targets must not be enforced, because they are almost certainly
// mistakes. A Guard is immutable and comparable.
type Guard interface {
	// Name returns the reason why a target at the name is held, or "" if it is not held. For a
	// "*." target, the name is the name after "*.". Name must not keep the Wire.
	Name(*dname.Wire) string
	// Address returns the reason why an address or a network is held, or "" if it is not held.
	Address(netip.Prefix) string
	// Protected reports whether answers for an asked name must pass, even if they lead to a
	// blocked name.
	Protected(*dname.Wire) bool
}

// A heldNode is a name or a network at which the guard holds targets.
type heldNode struct {
	name dname.Name
	net  netip.Prefix
	why  string
}

// held contains the names and networks of a part or a set at which the guard holds targets. An
// order that forces its target (see forced) is enforced at these names too. Most sets have no
// held names, so the check of a query is mostly a comparison of a length with 0.
type held struct {
	names map[string]*heldNode // by wire form
	nets  map[netip.Prefix]*heldNode
}

// at returns the heldNode of a name in wire form, or nil if no targets are held there.
func (h *held) at(suffix []byte) *heldNode {
	if len(h.names) == 0 {
		return nil
	}
	return h.names[string(suffix)]
}

// of returns the heldNode of the name or network of a target, or nil if it is not held.
func (h *held) of(t *target) *heldNode {
	if t.net.IsValid() {
		return h.nets[t.net]
	}
	return h.at([]byte(t.name.Wire()))
}

// checkName adds a name if the guard holds targets there.
func (h *held) checkName(g Guard, w *dname.Wire) {
	why := g.Name(w)
	if why == "" {
		return
	}
	if h.names == nil {
		h.names = map[string]*heldNode{}
	}
	n := w.Name()
	h.names[n.Wire()] = &heldNode{name: n, why: why}
}

// checkNet adds a network if the guard holds targets there.
func (h *held) checkNet(g Guard, x netip.Prefix) {
	why := g.Address(x)
	if why == "" {
		return
	}
	if h.nets == nil {
		h.nets = map[netip.Prefix]*heldNode{}
	}
	h.nets[x] = &heldNode{net: x, why: why}
}

// forced contains the targets that an order enforces although the guard holds them.
type forced struct {
	targets map[forcedTarget]struct{}
}

type forcedTarget struct {
	name dname.Name
	net  netip.Prefix
	// below is set for "*.example.com", which is another target than "example.com".
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
		} // else the parser has refused the target
	}
	return f
}

// covers reports whether the order forces its target at a held name or network.
func (f *forced) covers(h *heldNode, m order.Match) bool {
	if f == nil {
		return false
	}
	_, ok := f.targets[forcedTarget{h.name, h.net, m == order.BelowOnly}]
	return ok
}

// Guarded returns the part as a Builder with the guard g would have built it. It checks each
// name, but does not parse the file again.
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

// A wary is a guard that also judges the IPv4 networks inside a network.
type wary struct {
	Guard
	embeddings []embedding
}

// Address returns the reason why an address target must be held, "" if it need not be held.
func (g wary) Address(x netip.Prefix) string {
	if why := g.Guard.Address(x); why != "" {
		return why
	}
	for i := range g.embeddings {
		if v4, ok := g.embeddings[i].network(x); ok {
			if why := g.Guard.Address(v4); why != "" {
				return "is the IPv6 form of " + v4.String() + ", which " + why
			}
		}
	}
	return ""
}
