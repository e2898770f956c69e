package ruleset

import (
	"net/netip"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

// A Guard finds targets that must not be enforced, called held targets. Guards are immutable and
// comparable.
type Guard interface {
	// Name returns the reason to hold a name. An empty text means no reason. Name must not keep the
	// Wire.
	Name(*dname.Wire) string
	// Address returns the reason to hold a network, or "".
	Address(netip.Prefix) string
	// Protected reports whether all answers for an asked name must pass.
	Protected(*dname.Wire) bool
}

type heldNode struct {
	name dname.Name
	net  netip.Prefix
	why  string
}

type held struct {
	names map[string]*heldNode // by wire form
	nets  map[netip.Prefix]*heldNode
}

func (h *held) at(suffix []byte) *heldNode {
	if len(h.names) == 0 {
		return nil
	}
	return h.names[string(suffix)]
}

func (h *held) of(t *target) *heldNode {
	if t.net.IsValid() {
		return h.nets[t.net]
	}
	return h.at([]byte(t.name.Wire()))
}

func (h *held) checkName(g Guard, w *dname.Wire) {
	if why := g.Name(w); why != "" {
		h.add(&heldNode{name: w.Name(), why: why})
	}
}

func (h *held) checkNet(g Guard, x netip.Prefix) {
	if why := g.Address(x); why != "" {
		h.add(&heldNode{net: x, why: why})
	}
}

func (h *held) add(n *heldNode) {
	if n.net.IsValid() {
		if h.nets == nil {
			h.nets = map[netip.Prefix]*heldNode{}
		}
		h.nets[n.net] = n
		return
	}
	if h.names == nil {
		h.names = map[string]*heldNode{}
	}
	h.names[n.name.Wire()] = n
}

type forced map[target]struct{}

func newForced(list []order.Force) forced {
	if len(list) == 0 {
		return nil
	}
	f := make(forced, len(list))
	for _, x := range list {
		if net, why := order.ParsePrefix(x.Target); why == "" {
			f[target{match: order.Subtree, net: net}] = struct{}{}
		} else if name, m, err := order.ParseTarget(x.Target); err == nil {
			f[target{name: name, match: m}] = struct{}{}
		} // else the parser has refused the target
	}
	return f
}

func (f forced) covers(h *heldNode, m order.Match) bool {
	if m == order.Exact {
		m = order.Subtree
	}
	_, ok := f[target{h.name, m, h.net}]
	return ok
}

// Guarded returns a copy of p with the guard g.
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

type wary struct {
	Guard
	embeddings []embedding
}

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
