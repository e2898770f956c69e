package lint

import (
	"iter"
	"slices"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

// Corrections contains the names that corrections have unblocked. The keys are the ids of block
// orders. A correction is a lift of the operator without an end.
type Corrections map[string][]dname.Name

// FindCorrections returns the corrections in a list of orders.
func FindCorrections(all iter.Seq[*order.Order]) Corrections {
	c := Corrections{}
	for o := range all {
		if !o.Lifting() || o.Authority.Kind != order.KindOperator || o.Status != order.Active ||
			o.Until != order.NoTime || len(o.Windows) > 0 || o.Scope != nil && !o.Scope.Global {
			continue
		}
		for i := range o.Targets {
			if t := &o.Targets[i]; t.Kind == order.TargetName && t.Match == order.Subtree && t.Attr == nil {
				for _, id := range o.Lifts {
					c[id] = append(c[id], t.Name)
				}
			}
		}
	}
	return c
}

// Has reports whether a correction of an order has unblocked a name. A correction also unblocks all
// names below.
func (c Corrections) Has(id string, n dname.Name) bool {
	return slices.ContainsFunc(c[id], func(above dname.Name) bool { return above.Covers(n) })
}

// Remaining returns the number of targets that no correction has unblocked.
func (c Corrections) Remaining(o *order.Order) int {
	n := o.NumTargets()
	if len(c[o.ID]) == 0 {
		return n
	}
	for i := range o.Targets {
		if t := &o.Targets[i]; t.Kind == order.TargetName && c.Has(o.ID, t.Name) {
			n--
		}
	}
	if o.Side != nil {
		for name := range o.Side.Names.All() {
			if c.Has(o.ID, name) {
				n--
			}
		}
	}
	return n
}
