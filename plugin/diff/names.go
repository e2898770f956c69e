package diff

import (
	"slices"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// Extent says what of a name differs.
type Extent string

// What of a name may differ.
const (
	Whole Extent = "subtree" // the name and what is below it
	Alone Extent = "exact"   // the name alone
	Under Extent = "below"   // what is below it, without the name
)

// Name is a name that is blocked in one version and passes in the other.
type Name struct {
	Name   dname.Name
	Extent Extent
	Order  *ruleset.Order // that blocks it, in the version in which it is blocked
	// Lift is the order that lifts it in the new version, nil when the name is
	// free for another reason.
	Lift *ruleset.Order
}

// String writes the name as a target.
func (n Name) String() string {
	switch n.Extent {
	case Under:
		return "*." + n.Name.String()
	case Alone:
		return n.Name.String() + " (exact)"
	}
	return n.Name.String()
}

// Names returns the names that the new version blocks and the old one does not,
// and the reverse, for one client at one time, in canonical order. Only where an
// order of either version names something can a verdict differ, so these names
// are all that need asking: each itself, and for all below it that no order
// names. Every one that differs is listed, also when one above it does.
func Names(from, to Version, client ruleset.Client, now order.Time) (blocked, freed []Name) {
	for _, n := range mentioned(from, to) {
		oldSelf, oldBelow := ask(from.Set, n, client, now)
		newSelf, newBelow := ask(to.Set, n, client, now)
		add := func(list *[]Name, yesSelf, noSelf, yesBelow, noBelow ruleset.Verdict) {
			self, below := yesSelf.Blocked() && !noSelf.Blocked(), yesBelow.Blocked() && !noBelow.Blocked()
			x := Name{Name: n, Order: yesSelf.Order}
			switch {
			case self && below:
				x.Extent = Whole
			case self:
				x.Extent = Alone
			case below:
				x.Extent, x.Order = Under, yesBelow.Order
			default:
				return
			}
			*list = append(*list, x)
		}
		add(&blocked, newSelf, oldSelf, newBelow, oldBelow)
		add(&freed, oldSelf, newSelf, oldBelow, newBelow)
	}
	for i := range freed {
		freed[i].Lift = lift(to.Set, &freed[i], client, now)
	}
	return blocked, freed
}

// mentioned returns all names that orders of either version name, sorted.
func mentioned(versions ...Version) []dname.Name {
	seen := map[dname.Name]bool{}
	for _, v := range versions {
		for _, o := range v.Orders {
			for _, n := range o.Except {
				seen[n] = true
			}
			for i := range o.Targets {
				t := &o.Targets[i]
				if t.Kind == order.TargetName {
					seen[t.Name] = true
				}
				if t.Attr != nil {
					for _, n := range t.Attr.Except {
						seen[n] = true
					}
				}
			}
			if o.Side != nil {
				for n := range o.Side.Names.All() {
					seen[n] = true
				}
			}
		}
	}
	out := make([]dname.Name, 0, len(seen))
	for n := range seen {
		out = append(out, n)
	}
	slices.SortFunc(out, dname.Name.Compare)
	return out
}

// ask judges a name, and any name below it that no order names.
func ask(s *ruleset.Set, n dname.Name, c ruleset.Client, now order.Time) (self, below ruleset.Verdict) {
	var q ruleset.Asked
	q.SetName(n)
	self = s.Decide(&q, c, now)
	below = self
	if q.SetBelow(n) {
		below = s.Decide(&q, c, now)
	}
	return self, below
}

// lift returns the lift that freed a name.
func lift(s *ruleset.Set, n *Name, c ruleset.Client, now order.Time) *ruleset.Order {
	var q ruleset.Asked
	q.SetName(n.Name)
	if n.Extent == Under {
		q.SetBelow(n.Name)
	}
	_, reasons := s.Explain(&q, c, now)
	for _, r := range reasons {
		if r.Why == ruleset.LiftedBy && r.Order.ID == n.Order.ID {
			return r.By
		}
	}
	return nil
}
