package ruleset

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/gaissmai/bart"
)

// A scope is the set of clients to which an order applies. A nil scope contains all clients.
type scope struct {
	countries []order.Country // if EU is in the list, the field eu is set too
	eu        bool
	clients   bart.Lite
	hasNets   bool
}

func (s *scope) includes(c Client) bool { return s.reaches(c.Addr) || s.has(c.Country) }

func (s *scope) reaches(a netip.Addr) bool {
	return s == nil || s.hasNets && a.IsValid() && s.clients.Contains(a)
}

func (s *scope) has(cc order.Country) bool {
	return cc != "" && (slices.Contains(s.countries, cc) || s.eu && cc.InEU())
}

type exempt struct {
	always bart.Lite
	until  []exemptNet // the exemptions that have an end
}

type exemptNet struct {
	net   netip.Prefix
	until order.Time
}

func (e *exempt) covers(c Client, now order.Time) (bool, order.Time) {
	if e == nil || !c.Addr.IsValid() {
		return false, Forever
	}
	if e.always.Contains(c.Addr) {
		return true, Forever
	}
	end := order.NoTime
	for _, x := range e.until {
		if x.until > now && x.net.Contains(c.Addr) {
			end = max(end, x.until)
		}
	}
	if end == order.NoTime {
		return false, Forever
	}
	return true, end
}

type interner struct {
	scopes       map[string]*scope
	exempts      map[string]*exempt
	lastScope    *order.Scope
	lastScopeIs  *scope
	lastExempt   *order.Exempt
	lastExemptIs *exempt
}

func newInterner() interner {
	return interner{scopes: map[string]*scope{}, exempts: map[string]*exempt{}}
}

func (in *interner) scope(s *order.Scope) *scope {
	if s == nil || s.Global {
		return nil
	}
	if s == in.lastScope {
		return in.lastScopeIs
	}
	key := fmt.Sprint(s.Countries, s.Clients)
	out, ok := in.scopes[key]
	if !ok {
		out = &scope{hasNets: len(s.Clients) > 0}
		for _, c := range s.Countries {
			if c == order.EU {
				out.eu = true
			}
			out.countries = append(out.countries, c)
		}
		for _, x := range s.Clients {
			out.clients.Insert(x)
		}
		in.scopes[key] = out
	}
	in.lastScope, in.lastScopeIs = s, out
	return out
}

func (in *interner) exempt(list []order.Exempt) *exempt {
	if len(list) == 0 {
		return nil
	}
	if &list[0] == in.lastExempt {
		return in.lastExemptIs
	}
	key := fmt.Sprint(list)
	out, ok := in.exempts[key]
	if !ok {
		out = &exempt{}
		for _, e := range list {
			for _, x := range e.Clients {
				if e.Until == order.NoTime {
					out.always.Insert(x)
				} else {
					out.until = append(out.until, exemptNet{x, e.Until})
				}
			}
		}
		in.exempts[key] = out
	}
	in.lastExempt, in.lastExemptIs = &list[0], out
	return out
}
