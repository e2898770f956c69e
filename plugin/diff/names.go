package diff

import (
	"slices"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// A Name is a name that only one version blocks.
type Name struct {
	Name dname.Name
	// Match selects Name, the names below Name, or both.
	Match order.Match
	Order *ruleset.Order // the order that blocks Name, in the version that blocks Name
	// This lift ends the order for the name. It may be nil.
	Lift *ruleset.Order
}

func (n Name) String() string { return n.Match.Describe(n.Name) }

// Names compares two versions for one client at one time. The first result contains the names that
// only the new version blocks. The second result contains the names that only the old version
// blocks. Both are in canonical order.
func Names(from, to Version, client ruleset.Client, now order.Time) (blocked, freed []Name) {
	// Verdicts can differ only for names in an order and the names below. For each name in an
	// order, compare the name and one unknown name below.
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

// A mention is a name that an order contains.
type mention struct {
	name   dname.Name
	uneven bool
}

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

func lift(s *ruleset.Set, n *Name, c ruleset.Client, now order.Time) *ruleset.Order {
	var q ruleset.QName
	q.SetName(n.Name)
	if n.Match == order.BelowOnly {
		q.SetBelow(n.Name)
	}
	return s.LiftOf(n.Order.ID, &q, c, now)
}
