package due

import (
	"fmt"
	"slices"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

const maxAgain = 10_000

const maxLifts = 200

func (c *collector) blocksAgain(f found, lift *order.Order) string {
	if c.explained++; c.explained > maxLifts {
		return unknownNames
	}
	text, more, checked := "", 0, 0
	for n, o := range c.orders {
		if o.Lifting() || o.Status != order.Active || !mayEnd(lift, o) {
			continue
		}
		d := c.Disclosure(o)
		if d.Sealed() && !c.Sealed || !ruleset.Reached([]*order.Order{lift}, []*order.Order{o})[lift] {
			continue
		}
		st := c.states[n]
		var targets []string
		freed := 0
		for i := range o.Targets {
			if checked++; checked > maxAgain {
				return unknownNames
			}
			if t := &o.Targets[i]; t.Kind != order.TargetURL && !st.TargetLifted(t, f.at) && st.TargetLifted(t, f.at-1) {
				if freed++; len(targets) < maxTargets {
					targets = append(targets, targetText(t))
				}
			}
		}
		switch {
		case freed == 0 || !st.EnforcedAt(f.at):
		case text != "":
			more++
		case d == order.Full || c.Sealed:
			text = fmt.Sprintf("order %s blocks %s again", o.ID, list(targets, freed))
		default:
			text = fmt.Sprintf("order %s blocks %s again", o.ID, count(freed, "target"))
		}
	}
	switch {
	case text == "":
		return unknownNames
	case more > 0:
		return text + ", and " + moreOrders(more)
	}
	return text
}

const unknownNames = "orders can block the freed names again"

func mayEnd(lift, o *order.Order) bool {
	if len(lift.Lifts) > 0 {
		return slices.Contains(lift.Lifts, o.ID)
	}
	return o.Authority.Name == lift.Authority.Name
}

func moreOrders(n int) string {
	if n == 1 {
		return "1 more order blocks names again"
	}
	return fmt.Sprintf("%d more orders block names again", n)
}
