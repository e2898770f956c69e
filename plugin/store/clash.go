package store

import (
	"slices"

	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// clashes finds out which candidates fit together. Each id of an order is looked at a few
// times, however many candidates are refused one after the other.
type clashes struct {
	s *Store
	// takers are the candidates that have an id, in the order of the configuration. Only
	// the first may go into force.
	takers map[string][]*candidate
	// taken are the refused candidates, with the parts that have orders of their ids.
	taken map[*candidate]map[string]*ruleset.Part
	// leavers are the files that are gone whose orders have all come in candidates.
	leavers map[string]bool
	leaving map[string]string // the leavers' paths by their orders' ids
	// refused are the candidates whose files' versions in force have not been looked at.
	refused []*candidate
}

func (s *Store) clashes(cs []*candidate) *clashes {
	x := &clashes{
		s: s, takers: map[string][]*candidate{}, taken: map[*candidate]map[string]*ruleset.Part{},
		leavers: map[string]bool{}, leaving: map[string]string{},
	}
	isCandidate := map[string]bool{}
	for _, c := range cs {
		isCandidate[c.r.Path] = true
		for id := range c.part.IDs() {
			if first := x.takers[id]; len(first) > 0 {
				x.refuse(c, id, first[0].part)
			}
			x.takers[id] = append(x.takers[id], c)
		}
	}
	for _, path := range s.order {
		f := s.files[path]
		if f.part == nil || isCandidate[path] {
			continue
		}
		if f.gone && f.part.Orders() > 0 && x.haveAll(f.part) && x.succeed(f) {
			x.leavers[path] = true
			for id := range f.part.IDs() {
				x.leaving[id] = path
			}
			continue
		}
		x.keep(f.part, nil)
	}
	for len(x.refused) > 0 {
		c := x.refused[len(x.refused)-1]
		x.refused = x.refused[:len(x.refused)-1]
		if part := s.files[c.r.Path].part; part != nil {
			x.keep(part, c)
		}
		// A file that is gone must not give way to a candidate that is refused.
		for id := range c.part.IDs() {
			if path := x.leaving[id]; x.leavers[path] && !x.has(id) {
				delete(x.leavers, path)
				x.keep(s.files[path].part, nil)
			}
		}
	}
	return x
}

// refuse refuses a candidate, since part has an order of that id.
func (x *clashes) refuse(c *candidate, id string, part *ruleset.Part) {
	if x.taken[c] == nil {
		x.taken[c] = map[string]*ruleset.Part{}
		x.refused = append(x.refused, c)
	}
	if x.taken[c][id] == nil {
		x.taken[c][id] = part
	}
}

// keep refuses the candidates, except own, that have an order of a part which stays in
// force.
func (x *clashes) keep(part *ruleset.Part, own *candidate) {
	for id := range part.IDs() {
		for _, c := range x.takers[id] {
			if c != own {
				x.refuse(c, id, part)
			}
		}
	}
}

// has reports whether a candidate that is not refused has the id.
func (x *clashes) has(id string) bool {
	return slices.ContainsFunc(x.takers[id], func(c *candidate) bool { return x.taken[c] == nil })
}

// haveAll reports whether candidates that are not refused have all ids of a part.
func (x *clashes) haveAll(part *ruleset.Part) bool {
	for id := range part.IDs() {
		if !x.has(id) {
			return false
		}
	}
	return true
}

// succeed reports whether the candidates that have the orders of a gone file may replace the
// file. Another name must not walk around max_shrink nor around the serial.
func (x *clashes) succeed(f *file) bool {
	var heirs []*candidate
	for id := range f.part.IDs() {
		for _, c := range x.takers[id] {
			if x.taken[c] == nil && !slices.Contains(heirs, c) {
				heirs = append(heirs, c)
			}
		}
	}
	now := seconds(x.s.clock.Now())
	before := f.part.InForce(now)
	confirmed := true
	var parts []*ruleset.Part
	for _, c := range heirs {
		if c.parsed.Serial < f.serial {
			return false
		}
		parts = append(parts, c.part)
		confirmed = confirmed && c.parsed.ShrinkOK == int64(c.parsed.Targets)
	}
	// A name that several candidates have is kept once.
	kept := before - f.part.LostIn(parts, now)
	return before < smallFile || confirmed || (before-kept)*100 <= before*x.s.opt.MaxShrink
}

// moved returns the files that give way, in the order of the configuration.
func (x *clashes) moved() []string {
	return slices.DeleteFunc(slices.Clone(x.s.order), func(path string) bool { return !x.leavers[path] })
}
