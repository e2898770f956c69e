package lint

import (
	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

type below struct {
	id        string
	authority ruleset.Authority
	name      dname.Name
}

type holes map[below]ruleset.Rank

func (h holes) add(in below, lift ruleset.Rank) {
	for ; in.name.NumLabels() > 0; in.name = in.name.Parent() {
		if was, ok := h[in]; ok && was.Compare(lift) >= 0 {
			return
		}
		h[in] = lift
	}
}

// findHoles returns the names that exceptions and lifts unblock.
func (l *linter) findHoles() holes {
	h := holes{}
	for _, o := range l.orders {
		switch {
		case !o.Lifting():
			for _, n := range o.Except {
				h.add(below{id: o.ID, name: n}, ruleset.Rank{})
			}
			for i := range o.Targets {
				if a := o.Targets[i].Attr; a != nil {
					for _, n := range a.Except {
						h.add(below{id: o.ID, name: n}, ruleset.Rank{})
					}
				}
			}
		case l.states[o.ID].State == ruleset.InForce:
			for i := range o.Targets {
				if t := &o.Targets[i]; t.Kind == order.TargetName {
					h.lift(o, t.Name)
				}
			}
			if o.Side != nil {
				for n := range o.Side.Names.All() {
					h.lift(o, n)
				}
			}
		}
	}
	return h
}

func (h holes) lift(o *order.Order, name dname.Name) {
	for _, id := range o.Lifts {
		h.add(below{id: id, name: name}, ruleset.Rank{})
	}
	if len(o.Lifts) == 0 {
		h.add(below{authority: ruleset.AuthorityOf(o.Terms), name: name}, ruleset.RankOf(o))
	}
}

func (h holes) at(o *order.Order, name dname.Name) bool {
	if _, ok := h[below{id: o.ID, name: name}]; ok {
		return true
	}
	lift, ok := h[below{authority: ruleset.AuthorityOf(o.Terms), name: name}]
	return ok && lift.Reaches(o)
}
