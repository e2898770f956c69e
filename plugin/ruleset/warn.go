package ruleset

import (
	"fmt"

	"github.com/dns-orders/blocklist/plugin/order"
)

// Warnings returns what is odd about the orders together: targets that are held,
// addresses that nobody looks for, lifts of unknown ids, lifts that reach nothing,
// and lifts whose place in history another file shares. A lift that misses is one
// of the most common clerical errors; useless is the number of the lifts that reach
// nothing.
func (s *Set) Warnings() (out order.Problems, useless int) {
	out = s.unenforced()
	lifts, blocks := s.lifts()
	if len(lifts) == 0 {
		return out, 0
	}
	ids := map[string]bool{}
	s.each(func(_ *Part, e *entry) { ids[e.ID] = true })
	warn := func(e *entry, field, msg, got string) {
		out = append(out, order.Problem{File: *e.file, Line: int(e.line), Column: int(e.column), Order: e.ID, Field: field, Msg: msg,
			Got: got, HasGot: got != "", Warning: true,
			// An id that is not in the set may be a sealed order's whose file is bad.
			Sealed: field == "lifts" || e.Terms.Disclosure.Sealed()})
	}
	found := s.meetings(lifts, blocks)
	for _, l := range lifts {
		unknown, m := 0, found[l.entry]
		for _, id := range l.entry.lifts {
			if !ids[id] {
				unknown++
				warn(l.entry, "lifts", "names an order that is not in the set", id)
			}
		}
		if !m.reached {
			useless++
		}
		if !m.reached && unknown == 0 {
			warn(l.entry, "", "the lift reaches nothing: no earlier order of its authority, or of its lifts, covers any of its targets", "")
		}
		if x := m.tie; x != nil {
			warn(l.entry, "issued", fmt.Sprintf("is the same time as that of an order in %s, which it therefore lifts; write lifts to say which orders are meant", *x.file), l.entry.place.String())
		}
	}
	return out, useless
}

// unenforced are the warnings about what is recorded and not enforced, though DNS
// could.
func (s *Set) unenforced() (out order.Problems) {
	for _, h := range s.Held() {
		p := order.Problem{File: h.File, Line: h.Line, Column: h.Column, Order: h.Order.ID, Field: "scope.countries", Msg: "is held, not enforced: the order " + h.Why,
			Warning: true, Sealed: h.Order.Terms.Disclosure.Sealed()}
		if h.Target != "" {
			p.Field, p.Got, p.HasGot = "targets", h.Target, true
			p.Msg = "is held, not enforced: it " + h.Why + "; to enforce it all the same write force with a reason"
		}
		out = append(out, p)
	}
	s.each(func(_ *Part, e *entry) {
		if e.addrs > 0 && e.action == order.Block && !s.opt.Addresses {
			out = append(out, order.Problem{File: *e.file, Line: int(e.line), Column: int(e.column), Order: e.ID, Field: "targets",
				Msg:     fmt.Sprintf("%d addresses to be found in answers are not enforced: that needs answers addresses in the Corefile", e.addrs),
				Warning: true, Sealed: e.Terms.Disclosure.Sealed()})
		}
	})
	return out
}
