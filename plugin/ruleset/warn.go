package ruleset

import (
	"fmt"

	"github.com/dns-orders/blocklist/plugin/dname"
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

type partEntry struct {
	part  *Part
	entry *entry
	index uint32
}

// lifts returns the active lifts and, when there are any, the block orders by
// authority name.
func (s *Set) lifts() (lifts []partEntry, blocks map[string][]*entry) {
	for _, p := range s.parts {
		for _, i := range p.lifts {
			if e := &p.entries[i]; e.status == order.Active {
				lifts = append(lifts, partEntry{p, e, i})
			}
		}
	}
	if len(lifts) == 0 {
		return nil, nil
	}
	blocks = map[string][]*entry{}
	s.each(func(_ *Part, e *entry) {
		if e.action == order.Block {
			blocks[e.Terms.Authority.Name] = append(blocks[e.Terms.Authority.Name], e)
		}
	})
	return lifts, blocks
}

// meeting is what a lift has to lift.
type meeting struct {
	reached bool
	// tie is an order of another file that it reaches only because nothing says
	// which of the two came first.
	tie *entry
}

func (m *meeting) with(l, e *entry) {
	if !l.reaches(e) {
		return
	}
	m.reached = true
	if len(l.lifts) == 0 && e.file != l.file && e.place == l.place && e.from == l.from {
		m.tie = e
	}
}

// meetings finds for each lift the reached orders with a target at, above or
// below one of its own; for a lift without targets, the orders it names.
func (s *Set) meetings(lifts []partEntry, blocks map[string][]*entry) map[*entry]*meeting {
	found := map[*entry]*meeting{}
	for _, l := range lifts {
		m := &meeting{}
		found[l.entry] = m
		switch {
		case l.entry.names > 0:
		case l.entry.others+l.entry.addrs > 0:
			m.reached = true // addresses and pages are not looked up
		default:
			for _, list := range blocks {
				for _, e := range list {
					m.with(l.entry, e)
				}
			}
		}
	}
	targets := map[dname.Name][]*entry{} // of the lifts
	for _, p := range s.parts {
		if len(p.lifts) == 0 {
			continue
		}
		for name, ref := range p.names.All() {
			for _, r := range p.list(ref) {
				if l := &p.entries[r.entry]; r.kind.isLift() && found[l] != nil {
					targets[name] = append(targets[name], l)
					s.above(name, func(e *entry) { found[l].with(l, e) })
				}
			}
		}
	}
	if len(targets) == 0 {
		return found
	}
	// Below: every blocked name looks for such targets above itself.
	for _, p := range s.parts {
		for name, ref := range p.names.All() {
			for up := name.Parent(); up.NumLabels() > 0; up = up.Parent() {
				for _, l := range targets[up] {
					for _, r := range p.list(ref) {
						if r.kind >= blockExact {
							found[l].with(l, &p.entries[r.entry])
						}
					}
				}
			}
		}
	}
	return found
}

// above calls f for every block order with a target at the name or above it.
func (s *Set) above(name dname.Name, f func(*entry)) {
	var w dname.Wire
	w.SetName(name)
	for _, p := range s.parts {
		hits, _ := p.names.Walk(&w, nil)
		for _, h := range hits {
			for _, r := range p.list(h.Ref) {
				if r.kind >= blockExact {
					f(&p.entries[r.entry])
				}
			}
		}
	}
}
