package due

import (
	"fmt"
	"iter"
	"strings"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/lint"
	"github.com/dns-orders/blocklist/plugin/order"
)

const maxGuesses = 20

const maxNames = 200_000

func (c *collector) explainReach(f found, o *order.Order, it *Item) {
	var parts []string
	if n := len(f.reach.Unknown); n > 0 {
		parts = append(parts, fmt.Sprintf("no order has the id %q", f.reach.Unknown[0]))
		if n > 1 {
			parts[0] = fmt.Sprintf("no order has the ids %q", f.reach.Unknown[:min(n, maxTargets)])
			if n > maxTargets {
				parts[0] += fmt.Sprintf(" and %d more", n-maxTargets)
			}
		}
	}
	if f.count > 0 {
		parts = append(parts, "no block order has "+list(f.targets, f.count)+", or a name above or below")
		if it.Target == "" || strings.HasSuffix(it.Target, " targets") || strings.HasSuffix(it.Target, " target") {
			parts[len(parts)-1] = "no block order has " + it.Target + " of the lift"
		}
	}
	if f.reach.Nothing && len(parts) == 0 {
		parts = append(parts, "no earlier order of this authority has the targets of the lift")
	}
	if f.reach.Nothing {
		parts = append(parts, "the lift ends no order")
	}
	it.Why = strings.Join(parts, "; ")
	if c.guesses++; c.guesses > maxGuesses {
		return
	}
	for _, id := range f.reach.Unknown {
		c.suggest(it, lint.NearestID(id, c.blockIDs()))
	}
	for i := range o.Targets {
		if t := &o.Targets[i]; t.Kind == order.TargetName && len(it.DidYouMean) < maxTargets && !c.Set.Touches(t.Name) {
			if near := order.Nearest(t.Name.String(), c.names()); near != "" {
				it.DidYouMean = append(it.DidYouMean, near)
			}
		}
	}
	if f.reach.Nothing && len(f.reach.Unknown) == 0 && f.count == 0 {
		for _, other := range c.sharing(o) {
			c.suggest(it, other)
		}
		if len(it.DidYouMean) > 0 {
			it.Why += "; write lifts with the id of an order to end that order"
		}
	}
}

// suggest adds an id to the suggestions.
func (c *collector) suggest(it *Item, id string) {
	if id != "" && len(it.DidYouMean) < maxTargets {
		it.DidYouMean = append(it.DidYouMean, id)
	}
}

func (c *collector) open(o *order.Order) bool {
	return !o.Lifting() && (c.Sealed || o.Disclosure == order.Full)
}

func (c *collector) blockIDs() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, o := range c.orders {
			if c.open(o) && !yield(o.ID) {
				return
			}
		}
	}
}

func (c *collector) names() iter.Seq[string] {
	return func(yield func(string) bool) {
		n := 0
		for _, o := range c.orders {
			if !c.open(o) {
				continue
			}
			for i := range o.Targets {
				if n++; n > maxNames {
					return
				}
				if t := &o.Targets[i]; t.Kind == order.TargetName && !yield(t.Name.String()) {
					return
				}
			}
		}
	}
}

func (c *collector) sharing(lift *order.Order) (ids []string) {
	var names []dname.Name
	for i := range lift.Targets {
		if t := &lift.Targets[i]; t.Kind == order.TargetName {
			names = append(names, t.Name)
		}
	}
	for _, o := range c.orders {
		if !c.open(o) {
			continue
		}
		for i := range o.Targets {
			if t := &o.Targets[i]; t.Kind == order.TargetName && covers(names, t.Name) {
				if ids = append(ids, o.ID); len(ids) == maxTargets {
					return ids
				}
				break
			}
		}
	}
	return ids
}

func covers(names []dname.Name, name dname.Name) bool {
	for _, n := range names {
		if n.Covers(name) || name.Covers(n) {
			return true
		}
	}
	return false
}
