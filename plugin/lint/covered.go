package lint

import (
	"fmt"
	"reflect"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// After a lift of one order, another order may still block the name.
func (l *linter) covered(o *order.Order) {
	if st := l.states[o.ID].State; st == ruleset.Ended || st == ruleset.Lifted || o.Scope == nil {
		return
	}
	client := member(o.Scope)
	warn := l.each(o)
	look := func(t *order.Target, field string, name dname.Name, match order.Match) {
		if by, ok := l.coverer(o, name, match, client); ok {
			p := warn(t, field, "%s is already covered by order %q, target %s", match.Describe(name), by.Order.ID, by.Match.Describe(by.Target))
			if p != nil {
				p.Sealed = p.Sealed || by.Order.Terms.Disclosure.Sealed()
			}
		}
	}
	for i := range o.Targets {
		if t := &o.Targets[i]; t.Kind == order.TargetName {
			look(t, fmt.Sprintf("targets[%d]", i), t.Name, t.Match)
		}
	}
	if o.Side != nil {
		at := &order.Target{Line: o.Line, Column: o.Column}
		for name := range o.Side.Names.All() {
			look(at, "targets_from", name, order.Subtree)
		}
	}
	warn(nil, "targets", "%d more targets that another order already covers")
}

// member returns a client to which the scope applies.
func member(s *order.Scope) (c ruleset.Client) {
	if len(s.Countries) > 0 {
		c.Country = s.Countries[0]
		if c.Country == order.EU {
			c.Country = "BE" // any member state will do, because the scopes are compared too
		}
	} else if len(s.Clients) > 0 {
		c.Addr = s.Clients[0].Addr()
	}
	return c
}

func (l *linter) coverer(o *order.Order, name dname.Name, match order.Match, client ruleset.Client) (ruleset.Reason, bool) {
	if l.steps > maxSteps || !l.set.Shared(name) {
		return ruleset.Reason{}, false
	}
	at := l.reasons(name, match == order.BelowOnly, client)
	own, ok := at.own[target{o.ID, name, match}]
	if !ok || at.list[own].Why == ruleset.LiftedBy || at.list[own].Why == ruleset.Over {
		return ruleset.Reason{}, false
	}
	for i, r := range at.list {
		if i >= crowd {
			l.steps++
		}
		switch {
		case r.Why != ruleset.Decides && r.Why != ruleset.Outranked, r.Order.ID == o.ID:
		case r.Match == order.Exact && match != order.Exact:
		case r.Target == name && r.Match == match && i > own:
		case match != order.Exact && l.holes.at(l.orders[r.Order.ID], name):
		case len(r.Order.Terms.Exempt) > 0 && !reflect.DeepEqual(r.Order.Terms.Exempt, o.Exempt):
		case !r.Order.Terms.Scope.Global && !reflect.DeepEqual(r.Order.Terms.Scope, o.Scope):
		default:
			return r, true
		}
	}
	return ruleset.Reason{}, false
}

const (
	crowd = 64
	// Without maxSteps, the time would grow with the square of the number of orders.
	maxSteps = 2_000_000
)

// asked contains the arguments of a call of Reasons.
type asked struct {
	name   dname.Name
	below  bool
	client ruleset.Client
}

// target identifies a target of an order.
type target struct {
	id    string
	name  dname.Name
	match order.Match
}

type explained struct {
	list []ruleset.Reason
	own  map[target]int
}

func (l *linter) reasons(name dname.Name, below bool, client ruleset.Client) *explained {
	question := asked{name, below, client}
	if question == l.lastAsked && l.last.own != nil {
		return &l.last
	}
	q := ruleset.QName{}
	q.SetName(name)
	l.lastAsked, l.last = question, explained{own: map[target]int{}}
	if below && !q.SetBelow(name) {
		return &l.last
	}
	_, l.last.list = l.set.Reasons(&q, client, l.now)
	for i, r := range l.last.list {
		l.last.own[target{r.Order.ID, r.Target, r.Match}] = i
	}
	l.steps += max(len(l.last.list)-crowd, 0)
	return &l.last
}
