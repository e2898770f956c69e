package export

import (
	"slices"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// Counts says how many orders and targets the export contains or omits.
type Counts struct {
	// InForce is the number of orders in the export.
	InForce int
	// The next fields count omitted orders.

	OtherCountries int // orders for clients in other countries
	ClientNetworks int // orders for certain networks of clients
	Sealed         int
	Shadow         int
	Draft          int
	Suspended      int
	// Held counts the targets that the guard refuses to enforce. Others counts addresses and URLs.
	// Both count only targets of orders in force.
	Held, Others int
	// An export cannot give different answers to different clients.
	Exempting, LiftsOfNetworks int
}

// A Left says how many orders or targets of one kind were omitted.
type Left struct {
	N    int
	What string // a noun in the singular, for example "order in shadow"
}

// LeftOut returns the numbers that are not zero.
func (c *Counts) LeftOut() (out []Left) {
	for _, x := range []Left{
		{c.OtherCountries, "order for other countries"},
		{c.ClientNetworks, "order for certain client networks"},
		{c.Sealed, "sealed order"},
		{c.Shadow, "order in shadow"},
		{c.Draft, "draft order"},
		{c.Suspended, "suspended order"},
		{c.Held, "held target"},
		{c.Others, "address or URL"},
	} {
		if x.N > 0 {
			out = append(out, x)
		}
	}
	return out
}

// problems returns the problems of whole orders.
func (c *Counts) problems(a Approximation) (out []Problem) {
	exempting := "an order has exempt clients, and the file has no place for them"
	switch a {
	case Wider:
		exempting += ": the order is for all clients"
	case Narrower, LeaveOut:
		exempting += ": the order is left out"
	}
	for range c.Exempting {
		out = append(out, Problem{"", exempting})
	}
	lifts := "a lift for certain client networks has no place in the file"
	switch a {
	case Wider, LeaveOut:
		lifts += ": the lift is left out, so its clients get the blocking answer"
	case Narrower:
		lifts += ": without the lift, the file would block more than the orders"
	}
	for range c.LiftsOfNetworks {
		out = append(out, Problem{"", lifts})
	}
	return out
}

// covers reports whether the scope contains the country.
func covers(s *order.Scope, cc order.Country) bool {
	return s == nil || s.Global || slices.Contains(s.Countries, cc) || slices.Contains(s.Countries, order.EU) && cc.InEU()
}

func count(set *ruleset.Set, now order.Time, opt *Options) (c Counts) {
	inForce := map[*ruleset.Order]bool{}
	for o := range set.OrderStates(now) {
		t := o.Order.Terms
		networks := t.Scope != nil && len(t.Scope.Clients) > 0
		here := covers(t.Scope, opt.Country)
		if o.Lift {
			if o.State == ruleset.InForce && !here && networks {
				c.LiftsOfNetworks++
			}
			continue
		}
		switch o.State {
		case ruleset.Shadow:
			c.Shadow++
		case ruleset.Draft:
			c.Draft++
		case ruleset.Suspended:
			c.Suspended++
		case ruleset.InForce, ruleset.OnHold:
			switch {
			case !here && networks:
				c.ClientNetworks++
			case !here:
				c.OtherCountries++
			case t.Disclosure.Sealed() && !opt.Sealed:
				c.Sealed++
			default:
				inForce[o.Order] = true
				c.Others += o.Others
				switch {
				case t.ExemptsAll(ruleset.Forever):
				case len(t.Exempt) > 0 && opt.dropsExempting():
					c.Exempting++
				default:
					if len(t.Exempt) > 0 {
						c.Exempting++
					}
					if o.State == ruleset.InForce {
						c.InForce++
					}
				}
			}
		}
	}
	for _, h := range set.Held() {
		if h.Target != "" && inForce[h.Order] {
			c.Held++
		}
	}
	return c
}
