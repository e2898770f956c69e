package ruleset

import (
	"net/netip"

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

// heldNode is a name or a network at which the guard holds targets.
type heldNode struct {
	name dname.Name
	net  netip.Prefix
	why  string
}

// held are the targets of a part, or of a set, that the guard holds. What is
// held is the place: an order is enforced there all the same when it has a reason
// to (see forced). There are few, so a query pays for a look at a length.
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

// of returns where a target is held, nil when it is not.
func (h *held) of(t *target) *heldNode {
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
		h.names = map[string]*heldNode{}
	}
	n := w.Name()
	h.names[n.Wire()] = &heldNode{name: n, why: why}
}

// checkNet asks the guard about a network.
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

// covers reports whether the order forces its target at a held name or network.
func (f *forced) covers(h *heldNode, m order.Match) bool {
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
