package ruleset

import "github.com/dns-orders/blocklist/plugin/order"

// Excerpts makes sets without certain orders. It is for programs that export the names in force
// to other servers. It is not safe for concurrent use.
//
// Excerpts keeps the parts that it compiled again, so that a change of one file does not compile
// the orders of other files.
type Excerpts struct {
	// Drop returns true for a block order that the result must not have. It must always return
	// the same result for an order. A lift always stays in the result, because a lift blocks
	// nothing. If Drop is nil, all orders stay.
	Drop func(*Order) bool
	made map[*Part]*Part
}

// Of returns the set without the dropped orders. In the result, the country of clients is known,
// because an export is for clients of a given country.
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

// part returns the part without the dropped orders, or the part itself if no order is dropped.
func (x *Excerpts) part(p *Part) *Part {
	drop := map[string]bool{}
	for e := range p.entries.all() {
		if e.action == order.Block && x.Drop != nil && x.Drop(&e.Order) {
			drop[e.ID] = true
		}
	}
	if len(drop) == 0 {
		return p
	}
	return p.Without(func(id string) bool { return drop[id] })
}
