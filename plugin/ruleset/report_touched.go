package ruleset

import (
	"iter"
	"slices"

	"github.com/dns-orders/blocklist/plugin/dname"
)

// Names yields each name with rules. The sequence is not fixed, and a name may occur several times.
// The Wire is valid only until the next iteration.
func (s *Set) Names() iter.Seq[*dname.Wire] {
	return func(yield func(*dname.Wire) bool) {
		for _, p := range s.parts {
			for w := range p.names.Wires() {
				if !yield(w) {
					return
				}
			}
		}
	}
}

// Touched yields the names whose verdicts may change. The verdicts of lower names may change too. A
// name may occur several times. The Wire is valid only until the next iteration.
//
// Options that are not compiled into parts must be equal in both sets, for example NoCountry.
func Touched(old, new *Set) iter.Seq[*dname.Wire] {
	return func(yield func(*dname.Wire) bool) {
		was, is := old.partSet(), new.partSet()
		lifted := map[string]bool{}
		for _, p := range slices.Concat(old.parts, new.parts) {
			if was[p] && is[p] {
				continue
			}
			for w := range p.names.Wires() {
				if !yield(w) {
					return
				}
			}
			for _, n := range p.whole {
				for _, id := range p.entries.at(n).lifts {
					lifted[id] = true
				}
			}
		}
		for p := range was {
			if is[p] && len(lifted) > 0 && !p.namesOf(lifted, yield) {
				return
			}
		}
	}
}

func (p *Part) namesOf(ids map[string]bool, yield func(*dname.Wire) bool) bool {
	entries := map[uint32]bool{}
	for i, e := range p.entries.all() {
		if ids[e.ID] {
			entries[i] = true
		}
	}
	if len(entries) == 0 {
		return true
	}
	for w, ref := range p.names.Wires() {
		for _, r := range p.list(ref) {
			if entries[r.entry] {
				if !yield(w) {
					return false
				}
				break
			}
		}
	}
	return true
}
