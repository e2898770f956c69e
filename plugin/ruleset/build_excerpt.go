package ruleset

import "github.com/dns-orders/blocklist/plugin/order"

// Excerpts makes sets without certain orders, for exports. Excerpts is not safe for concurrent use.
type Excerpts struct {
	// Drop reports whether to leave out a block order. The result for an order must never change. A
	// nil Drop keeps all orders.
	Drop func(*Order) bool
	made map[*Part]*Part
}

// Of returns a set without the orders that Drop selects. The option NoCountry is off in the
// returned set.
func (x *Excerpts) Of(s *Set) *Set {
	made := make(map[*Part]*Part, len(s.parts))
	parts := make([]*Part, len(s.parts))
	same := true
	for i, p := range s.parts {
		q := x.made[p]
		if q == nil {
			q = x.part(p)
		}
		made[p], parts[i] = q, q
		same = same && p == q
	}
	x.made = made
	if same && !s.opt.NoCountry {
		return s
	}
	opt := s.opt
	opt.NoCountry = false
	return Merge(parts, opt)
}

func (x *Excerpts) part(p *Part) *Part {
	drop := func(e *entry) bool { return e.action == order.Block && x.Drop != nil && x.Drop(&e.Order) }
	for _, e := range p.entries.all() {
		if drop(e) {
			return p.without(drop)
		}
	}
	return p
}
