package lint

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// euTerritories contains the territories that belong to the European Union. EU in a scope includes
// only the member states.
var euTerritories = []order.Country{"AX", "GF", "GP", "MF", "MQ", "RE", "YT"}

func (l *linter) scope(o *order.Order) {
	if !l.exemptsAll(o) {
		for i, e := range o.Exempt {
			l.families(o, fmt.Sprintf("exempt[%d].clients", i), e.Clients, "does not exempt")
		}
	}
	if o.Scope == nil || o.Scope.Global {
		return
	}
	for _, c := range o.Scope.Countries {
		switch more := c.Territories(); {
		case c == order.EU && !names(o.Scope, euTerritories):
			l.warn(o, nil, "scope.countries", "EU does not include clients in %s; add these codes if the order applies to these clients", codes(euTerritories))
		case len(more) > 0 && !names(o.Scope, more):
			l.warn(o, nil, "scope.countries", "%s does not include clients in its territories (%s); write %s+ if the order applies to these clients", c, codes(more), c)
		}
	}
	l.families(o, "scope.clients", o.Scope.Clients, "does not include")
}

func (l *linter) exemptsAll(o *order.Order) bool {
	if len(o.Exempt) == 0 || o.Lifting() || !o.Terms.ExemptsAll(l.now) {
		return false
	}
	if !o.Terms.ExemptsAll(ruleset.Forever) {
		l.warn(o, nil, "exempt", "covers every client of the scope now: the order blocks no client until an exemption ends")
	}
	return true
}

func names(s *order.Scope, list []order.Country) bool {
	return slices.ContainsFunc(list, func(c order.Country) bool { return slices.Contains(s.Countries, c) })
}

func (l *linter) families(o *order.Order, field string, list []netip.Prefix, does string) {
	var all, some [2]bool // the first element is for IPv4, the second for IPv6
	for _, x := range list {
		family := 0
		if x.Addr().Is6() {
			family = 1
		}
		some[family], all[family] = true, all[family] || x.Bits() == 0
	}
	switch {
	case all[0] && !some[1]:
		l.warn(o, nil, field, `0.0.0.0/0 %s IPv6 clients; add "::/0"`, does)
	case all[1] && !some[0]:
		l.warn(o, nil, field, `::/0 %s IPv4 clients; add "0.0.0.0/0"`, does)
	}
}

func codes(list []order.Country) string {
	texts := make([]string, len(list))
	for i, c := range list {
		texts[i] = string(c)
	}
	return strings.Join(texts, ", ")
}
