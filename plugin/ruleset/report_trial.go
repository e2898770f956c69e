package ruleset

import "github.com/dns-orders/blocklist/plugin/order"

type trial struct {
	q    QName
	now  order.Time
	left int // how many more clients and rules may be tried
	stop func() bool
}

func (t *trial) work() bool {
	if t.left > 0 && t.stop() {
		t.left = 0
	}
	t.left = max(0, t.left-1)
	return t.left > 0
}

func anyOrder(string) bool { return true }

// If t.left is 0 afterwards, both results are invalid.
func (t *trial) find(s *Set, wanted func(id string) bool) (found, any bool) {
	try := func(c Client) (end bool) {
		if !t.work() {
			return true
		}
		if v := s.Decide(&t.q, Query{Client: c, Now: t.now}); v.Blocked() {
			any, found = true, wanted(v.Order.ID)
		}
		return found
	}
	if try(Client{}) {
		return found, any
	}
	p := s.walk(&t.q.Wire, nil)
	tried := map[*scope]bool{nil: true}
	for i := range p.hits {
		h := &p.hits[i]
		for k := range h.rules {
			if !t.work() {
				return found, any
			}
			e := h.part.entries.at(h.rules[k].entry)
			if h.rules[k].kind < blockExact || tried[e.scope] {
				continue
			}
			tried[e.scope] = true
			for _, c := range e.Terms.Scope.Countries {
				if s.opt.NoCountry {
					break // no client has a known country
				}
				if c == order.EU {
					c = "BE"
				}
				if try(Client{Country: c}) {
					return found, any
				}
			}
			for _, x := range e.Terms.Scope.Clients {
				if try(Client{Addr: x.Addr()}) {
					return found, any
				}
			}
		}
	}
	return found, any
}
