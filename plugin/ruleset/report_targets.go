package ruleset

import (
	"slices"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

// A Target is a name that an order blocks.
type Target struct {
	Order *Order
	Name  dname.Name
	Match order.Match
}

// NewTargets calls a function for each name target in force that is new or has changed. It ignores
// lifts and the guard. The Wire is valid only during the call of the function.
func (p *Part) NewTargets(old *Part, now order.Time, f func(o *Order, w *dname.Wire, m order.Match)) {
	if old == nil {
		old = &Part{}
	}
	c := &comparison{old: old, new: p}
	c.pair()
	c.compareTerms()
	c.pairSchedules()
	var w dname.Wire
	for x := range p.names.Join(old.names) {
		list := p.list(x.Ref)
		if !blocks(list) {
			continue
		}
		var was []rule
		if x.Both {
			was = old.list(x.Other)
		}
		for k := range list {
			r := &list[k]
			if on, _ := p.inForceAt(r.sched, now); r.kind < blockExact || r.shadow || !on {
				continue
			}
			same := c.was[r.entry] != none && !c.differs[r.entry] && slices.ContainsFunc(was, func(o rule) bool { return c.same(r, &o) })
			if e := p.entries.at(r.entry); !same && e.status == order.Active {
				x.Name(&w)
				f(&e.Order, &w, r.kind.match())
			}
		}
	}
}
