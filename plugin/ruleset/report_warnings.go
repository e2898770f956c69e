package ruleset

import (
	"fmt"

	"github.com/dns-orders/blocklist/plugin/order"
)

// Warnings returns the warnings that need the orders of all files. The second result is the number
// of active lifts that end no order.
func (s *Set) Warnings() (out order.Problems, useless int) {
	out = s.unenforced()
	lifts, known := s.activeLifts()
	secret := s.secrecies(lifts)
	warn := func(e *entry, field, msg, got string) {
		p := e.warning(field, msg)
		p.Got, p.HasGot = got, got != ""
		// An unknown id may be the id of a sealed order in a file with errors.
		p.Sealed, p.Lift = field == "lifts" || e.isSecret(secret[e]), !p.Sealed
		out = append(out, p)
	}
	found := s.meetings(lifts)
	for _, l := range lifts {
		unknown, m := 0, found[l]
		for _, id := range l.lifts {
			if !known[id] {
				unknown++
				warn(l, "lifts", "the lift names an order that is not in the set", id)
			}
		}
		if !m.reached {
			useless++
		}
		if !m.reached && unknown == 0 {
			warn(l, "", "the lift reaches nothing: no earlier order of its authority, or of its lifts, covers any of its targets", "")
		}
		if x := m.tie; x != nil {
			warn(l, "issued", fmt.Sprintf("the lift has the same time as an order in %s, so the lift reaches that order; write lifts to say which orders are meant", *x.file), l.rank.decided.String())
		}
	}
	return out, useless
}

func (s *Set) activeLifts() (lifts []*entry, known map[string]bool) {
	known = map[string]bool{}
	for e := range s.lifts() {
		if e.status == order.Active {
			lifts = append(lifts, e)
			for _, id := range e.lifts {
				known[id] = false
			}
		}
	}
	if len(known) > 0 {
		for _, e := range s.all() {
			if _, ok := known[e.ID]; ok {
				known[e.ID] = true
			}
		}
	}
	return lifts, known
}

func (s *Set) unenforced() (out order.Problems) {
	for _, h := range s.Held() {
		p := order.Problem{File: h.File, Line: h.Line, Column: h.Column, Order: h.Order.ID, Field: "scope.countries", Msg: "the order is held and not enforced, because it " + h.Why,
			Warning: true, Sealed: h.Order.Terms.Disclosure.Sealed()}
		if h.Target != "" {
			p.Field, p.Got, p.HasGot = "targets", h.Target, true
			p.Msg = "the target is held and not enforced, because it " + h.Why + "; write force with a reason to enforce the target"
		}
		out = append(out, p)
	}
	last, exempt := (*order.Terms)(nil), false // many orders have the same terms
	for _, e := range s.all() {
		if e.action == order.Lift {
			continue
		}
		if e.Terms != last {
			last, exempt = e.Terms, e.Terms.ExemptsAll(Forever)
		}
		if exempt {
			out = append(out, e.warning("exempt", "the exemption covers every client of the scope, so the order blocks no client"))
		}
		if e.addrs > 0 && !s.opt.Addresses {
			out = append(out, e.warning("targets", fmt.Sprintf("%d addresses of answers are not enforced; write answers addresses in the Corefile to enforce them", e.addrs)))
		}
	}
	return out
}
