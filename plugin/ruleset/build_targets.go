package ruleset

import (
	"net/netip"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

type plain struct {
	*Builder
	number uint32 // the number of the rule
	own    rule
	groups map[target]uint32
}

// Side returns an order.Names for the names of the order's side list. Call Side before Add(o). The
// order must already contain its targets.
func (b *Builder) Side(o *order.Order) order.Names {
	if b.repeated == nil {
		b.repeated = map[uint32]int{}
	}
	b.repeated[uint32(b.part.entries.n)] = 0
	return b.Targets(o)
}

// Targets returns an order.Names that adds plain names to an order. Call Targets before Add. The
// order must already contain all other targets.
func (b *Builder) Targets(o *order.Order) order.Names {
	r := rule{entry: uint32(b.part.entries.n), sched: b.schedule(inForce(o)), kind: blockSubtree, shadow: o.Status == order.Shadow}
	if o.Action == order.Lift {
		r.kind = liftSubtree
	}
	return &plain{b, b.number(r), r, ownExceptions(o.Targets)}
}

// Grow implements order.Names.
func (p *plain) Grow(n int) { p.index.Grow(n) }

// AddWire implements order.Names.
func (p *plain) AddWire(w *dname.Wire) {
	rule := p.number
	if p.groups != nil {
		own := p.own
		if own.group = p.groups[target{name: w.Name(), match: order.Subtree}]; own.group > 0 {
			rule = p.Builder.number(own)
		}
	}
	p.attach(w, rule)
}

func enforceable(action order.Action, t *order.Target) bool {
	return t.Kind != order.TargetURL && (t.Kind != order.TargetAddress || t.Attr.EnforcedBy == order.ByDNS || action == order.Lift)
}

func (b *Builder) target(e *entry, n uint32, own []interval, t *order.Target, group uint32) {
	if !enforceable(e.action, t) {
		e.others++
		return
	}
	r := rule{entry: n, sched: e.sched, group: group, shadow: e.status == order.Shadow}
	base := blockExact
	if e.action == order.Lift {
		base = liftExact
	}
	match := t.Match
	if t.Kind == order.TargetAddress {
		match = order.Subtree // a network covers all addresses in it
	}
	r.kind = base + kind(match)
	if a := t.Attr; a != nil {
		r.shadow = r.shadow || a.Status == order.Shadow
		b.part.shadows = b.part.shadows || r.shadow
		if a.Status != order.Active && a.Status != order.Shadow {
			r.sched = never
		} else if a.From != order.NoTime || a.Until != order.NoTime || a.Windows != nil {
			r.sched = b.schedule(intersect(own, intersect(single(a.From, a.Until), windows(a.Windows))))
		}
		for _, x := range a.Except {
			b.rule(x, rule{entry: n, kind: except, group: group})
		}
	}
	b.part.ownDates = b.part.ownDates || r.sched != e.sched
	if t.Kind == order.TargetAddress {
		e.addrs++
		b.address(t.Attr.Address, r)
		return
	}
	e.names++
	b.rule(t.Name, r)
}

type target struct {
	name  dname.Name
	match order.Match
	net   netip.Prefix
}

func targetOf(t *order.Target) target {
	x := target{name: t.Name, match: t.Match}
	if t.Attr != nil {
		x.net = t.Attr.Address
	}
	return x
}

// String returns the target as in an order file.
func (t *target) String() string {
	if t.net.IsValid() {
		return t.net.String()
	}
	return t.match.Pattern(t.name)
}

func ownExceptions(targets []order.Target) map[target]uint32 {
	var groups map[target]uint32
	for i := range targets {
		t := &targets[i]
		if t.Kind == order.TargetURL || t.Attr == nil || len(t.Attr.Except) == 0 {
			continue
		}
		if groups == nil {
			groups = map[target]uint32{}
		}
		if k := targetOf(t); groups[k] == 0 {
			groups[k] = uint32(len(groups) + 1)
		}
	}
	return groups
}

func (b *Builder) rule(name dname.Name, r rule) {
	b.wire.SetName(name)
	b.attach(&b.wire, b.number(r))
}

func (b *Builder) address(x netip.Prefix, r rule) {
	if b.opt.Guard != nil && r.kind >= blockExact {
		b.part.held.checkNet(wary{b.opt.Guard, b.part.embeddings}, x)
	}
	if b.addrs == nil {
		b.addrs = map[netip.Prefix][]rule{}
	}
	b.addrs[x] = append(b.addrs[x], r)
}

func (b *Builder) number(r rule) uint32 {
	n := len(b.rules)
	for i := n - 1; i >= max(0, n-4); i-- {
		if b.rules[i] == r {
			return uint32(i)
		}
	}
	b.rules = append(b.rules, r)
	return uint32(n)
}

func (b *Builder) attach(w *dname.Wire, rule uint32) {
	if b.opt.Guard != nil && b.rules[rule].kind >= blockExact {
		b.part.held.checkName(b.opt.Guard, w)
	}
	b.index.AddWire(w, rule)
}
