package ruleset

import (
	"fmt"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

// Warnings returns what is odd about the orders together: lifts of unknown ids,
// lifts that reach nothing, and lifts whose place in history another file
// shares. A lift that misses is one of the most common clerical errors.
func (s *Set) Warnings() (out order.Problems) {
	lifts, blocks := s.lifts()
	if len(lifts) == 0 {
		return nil
	}
	ids := map[string]bool{}
	s.each(func(_ *Part, e *entry) { ids[e.ID] = true })
	warn := func(e *entry, field, msg, got string) {
		out = append(out, order.Problem{File: *e.file, Line: int(e.line), Order: e.ID, Field: field, Msg: msg,
			Got: got, HasGot: got != "", Warning: true, Sealed: e.Terms.Disclosure.Sealed()})
	}
	reached := s.reached(lifts, blocks)
	for _, l := range lifts {
		unknown := 0
		for _, id := range l.entry.lifts {
			if !ids[id] {
				unknown++
				warn(l.entry, "lifts", "names an order that is not in the set", id)
			}
		}
		if !reached[l.entry] && unknown == 0 {
			warn(l.entry, "", "the lift reaches nothing: no earlier order of its authority, or of its lifts, covers any of its targets", "")
		}
		if x := sharesPlace(l.entry, blocks); x != nil {
			warn(l.entry, "issued", fmt.Sprintf("is the same time as that of an order in %s, which it therefore lifts; write lifts to say which orders are meant", *x.file), l.entry.place.String())
		}
	}
	return out
}

// UselessLifts counts the lifts that reach nothing.
func (s *Set) UselessLifts() (n int) {
	lifts, blocks := s.lifts()
	reached := s.reached(lifts, blocks)
	for _, l := range lifts {
		if !reached[l.entry] {
			n++
		}
	}
	return n
}

type partEntry struct {
	part  *Part
	entry *entry
	index uint32
}

// lifts returns the active lifts, and the block orders by authority name.
func (s *Set) lifts() (lifts []partEntry, blocks map[string][]*entry) {
	blocks = map[string][]*entry{}
	for _, p := range s.parts {
		for i := range p.entries {
			switch e := &p.entries[i]; {
			case e.action == order.Block:
				blocks[e.Terms.Authority.Name] = append(blocks[e.Terms.Authority.Name], e)
			case e.status == order.Active:
				lifts = append(lifts, partEntry{p, e, uint32(i)})
			}
		}
	}
	return lifts, blocks
}

// sharesPlace returns an order of another file that the lift reaches only
// because nothing says which of the two came first.
func sharesPlace(l *entry, blocks map[string][]*entry) *entry {
	if len(l.lifts) > 0 {
		return nil
	}
	for _, e := range blocks[l.Terms.Authority.Name] {
		if e.file != l.file && e.place == l.place && e.from == l.from && l.reaches(e) {
			return e
		}
	}
	return nil
}

// reached returns the lifts that have something to lift: as a whole, an order
// that is there; by targets, a reached order with a target at, above or below
// one of theirs.
func (s *Set) reached(lifts []partEntry, blocks map[string][]*entry) map[*entry]bool {
	out := map[*entry]bool{}
	byID := map[string]bool{}
	for _, list := range blocks {
		for _, e := range list {
			byID[e.ID] = true
		}
	}
	open := map[dname.Name][]*entry{} // targets of lifts that met nothing at or above them
	for _, l := range lifts {
		if l.entry.names == 0 && l.entry.others == 0 {
			for _, id := range l.entry.lifts {
				out[l.entry] = out[l.entry] || byID[id]
			}
		} else if l.entry.names == 0 {
			out[l.entry] = true // addresses and pages are not looked up here
		}
	}
	for _, p := range s.parts {
		for name, ref := range p.names.All() {
			for _, r := range p.list(ref) {
				if e := &p.entries[r.entry]; r.kind.isLift() && !out[e] {
					if s.meets(name, e) {
						out[e] = true
					} else {
						open[name] = append(open[name], e)
					}
				}
			}
		}
	}
	if len(open) == 0 {
		return out
	}
	// Below: every blocked name looks for such targets above itself.
	for _, p := range s.parts {
		for name, ref := range p.names.All() {
			for up := name.Parent(); up.NumLabels() > 0; up = up.Parent() {
				for _, l := range open[up] {
					for _, r := range p.list(ref) {
						out[l] = out[l] || r.kind >= blockExact && l.reaches(&p.entries[r.entry])
					}
				}
			}
		}
	}
	return out
}

// meets reports whether an order that the lift reaches has a target at the name
// or above it.
func (s *Set) meets(name dname.Name, l *entry) bool {
	for _, p := range s.parts {
		var w dname.Wire
		w.SetName(name)
		hits, _ := p.names.Walk(&w, nil)
		for _, h := range hits {
			for _, r := range p.list(h.Ref) {
				if r.kind >= blockExact && l.reaches(&p.entries[r.entry]) {
					return true
				}
			}
		}
	}
	return false
}
