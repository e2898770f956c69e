package diff

import (
	"slices"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// A Name is a name that is blocked in one version and passes in the other.
type Name struct {
	Name dname.Name
	// Match describes at which names at and below Name the verdicts differ.
	Match order.Match
	Order *ruleset.Order // the order that blocks it, in the version that blocks it
	// Lift is the order of the new version that lifts Order. It is nil if the name is free for
	// another reason.
	Lift *ruleset.Order
}

// String returns the name in the form of a target.
func (n Name) String() string { return n.Match.Describe(n.Name) }

// Names returns the names that only the new version blocks and the names that only the old
// version blocks, for one client at one time. Both lists are in canonical order. Verdicts can
// differ only at and below names that an order of a version mentions. Names therefore decides
// about each of these names, and about the names below it that no order mentions. A name that
// differs is listed even if a name above it is listed too.
func Names(from, to Version, client ruleset.Client, now order.Time) (blocked, freed []Name) {
	for _, x := range mentioned(from, to) {
		n := x.name
		oldSelf, oldBelow := decide(from.Set, x, client, now)
		newSelf, newBelow := decide(to.Set, x, client, now)
		add := func(list *[]Name, yesSelf, noSelf, yesBelow, noBelow ruleset.Verdict) {
			self, below := yesSelf.Blocked() && !noSelf.Blocked(), yesBelow.Blocked() && !noBelow.Blocked()
			x := Name{Name: n, Order: yesSelf.Order}
			switch {
			case self && below:
				x.Match = order.Subtree
			case self:
				x.Match = order.Exact
			case below:
				x.Match, x.Order = order.BelowOnly, yesBelow.Order
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

// A mention is a name in an order.
type mention struct {
	name dname.Name
	// uneven is true if a target at the name is exact, or covers only the names below it. The
	// verdict about the name may then differ from the verdict about the names below it that no
	// order mentions. If uneven is false, both verdicts are the same.
	uneven bool
}

// mentioned returns all names in the orders of the versions, in canonical order: the names of
// targets, exceptions and side lists.
func mentioned(versions ...Version) []mention {
	seen := map[dname.Name]bool{}
	add := func(n dname.Name, uneven bool) { seen[n] = seen[n] || uneven }
	for _, v := range versions {
		for _, o := range v.Orders {
			for _, n := range o.Except {
				add(n, false)
			}
			for i := range o.Targets {
				t := &o.Targets[i]
				if t.Kind == order.TargetName {
					add(t.Name, t.Match != order.Subtree)
				}
				if t.Attr != nil {
					for _, n := range t.Attr.Except {
						add(n, false)
					}
				}
			}
			if o.Side != nil {
				for n := range o.Side.Names.All() {
					add(n, false)
				}
			}
		}
	}
	out := make([]mention, 0, len(seen))
	for n, uneven := range seen {
		out = append(out, mention{n, uneven})
	}
	slices.SortFunc(out, func(a, b mention) int { return a.name.Compare(b.name) })
	return out
}

// decide returns the verdicts about a name and about the names below it that no order mentions.
func decide(s *ruleset.Set, x mention, c ruleset.Client, now order.Time) (self, below ruleset.Verdict) {
	var q ruleset.QName
	q.SetName(x.name)
	self = s.Decide(&q, ruleset.Query{Client: c, Now: now})
	below = self
	if x.uneven && q.SetBelow(x.name) {
		below = s.Decide(&q, ruleset.Query{Client: c, Now: now})
	}
	return self, below
}

// lift returns the order that lifts n.Order for the name, or nil.
func lift(s *ruleset.Set, n *Name, c ruleset.Client, now order.Time) *ruleset.Order {
	var q ruleset.QName
	q.SetName(n.Name)
	if n.Match == order.BelowOnly {
		q.SetBelow(n.Name)
	}
	return s.LiftOf(n.Order.ID, &q, c, now)
}
