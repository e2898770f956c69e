package lint

import (
	"math"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// A below is the key of a hole (a name inside a blocked subtree that an order does not block).
// name is the hole or a name above it. id is the id of the order with the hole. Without an id,
// the hole is in all earlier orders of the authority.
type below struct {
	id        string
	authority order.Authority
	name      dname.Name
}

// holes contains exceptions and targets of lifts in force, and all names above them. Orders do
// not block these exceptions and targets. The value is the latest decision time of an order
// that has the hole.
type holes map[below]order.Time

func (h holes) add(in below, until order.Time) {
	for ; in.name.NumLabels() > 0 && h[in] < until; in.name = in.name.Parent() {
		h[in] = until
	}
}

// findHoles returns the names that orders do not block because of exceptions and lifts.
func (l *linter) findHoles() holes {
	h := holes{}
	for _, o := range l.orders {
		switch {
		case !o.Lifting():
			for _, n := range o.Except {
				h.add(below{id: o.ID, name: n}, math.MaxInt64)
			}
			for i := range o.Targets {
				if a := o.Targets[i].Attr; a != nil {
					for _, n := range a.Except {
						h.add(below{id: o.ID, name: n}, math.MaxInt64)
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
		h.add(below{id: id, name: name}, math.MaxInt64)
	}
	if len(o.Lifts) == 0 {
		h.add(below{authority: who(o), name: name}, o.DecidedAt())
	}
}

// at reports whether the order has a hole (a name that the order does not block) at the name
// or below it.
func (h holes) at(o *order.Order, name dname.Name) bool {
	if _, ok := h[below{id: o.ID, name: name}]; ok {
		return true
	}
	place, ok := h[below{authority: who(o), name: name}]
	return ok && o.DecidedAt() != order.NoTime && o.DecidedAt() <= place
}

// who returns the fields of an order's authority that a lift without ids compares with its
// own.
func who(o *order.Order) order.Authority {
	return order.Authority{Name: o.Authority.Name, Country: o.Authority.Country}
}
