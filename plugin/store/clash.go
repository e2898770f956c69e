package store

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// clashes finds out which candidates fit together. Each id of an order is looked at a few
// times, however many candidates are refused one after the other.
type clashes struct {
	s *Store
	// takers are the candidates that have an id, in the order of the configuration. Only
	// the first may go into force.
	takers map[string][]*candidate
	// taken are the refused candidates, with the parts that have orders of their ids. The part
	// is nil if its file is gone. reasons then says why the candidate cannot replace the file.
	taken   map[*candidate]map[string]*ruleset.Part
	reasons map[*candidate]order.Problems
	// leavers are the files that are gone whose orders have all come in candidates.
	leavers map[string]bool
	leaving map[string]string // the leavers' paths by their orders' ids
	// refused are the candidates whose files' versions in force have not been looked at.
	refused []*candidate
}

func (s *Store) clashes(cs []*candidate) *clashes {
	x := &clashes{
		s: s, takers: map[string][]*candidate{}, taken: map[*candidate]map[string]*ruleset.Part{},
		reasons: map[*candidate]order.Problems{},
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
		if !f.gone || f.part.Orders() == 0 {
			x.keep(f.part, nil)
			continue
		}
		if why := x.keeps(f); why != nil {
			x.keepGone(path, why)
			continue
		}
		x.leavers[path] = true
		for id := range f.part.IDs() {
			x.leaving[id] = path
		}
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
				x.keepGone(path, x.lacks(s.files[path].part))
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

// problems returns why a candidate is refused.
func (x *clashes) problems(c *candidate) order.Problems {
	by := maps.Clone(x.taken[c])
	maps.DeleteFunc(by, func(_ string, part *ruleset.Part) bool { return part == nil })
	return append(x.reasons[c], c.part.Taken(by)...)
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

// keepGone refuses the candidates that have an order of a file that is gone and stays in
// force. why returns the reason for a candidate.
func (x *clashes) keepGone(path string, why reason) {
	listed := map[*candidate]bool{}
	for id := range x.s.files[path].part.IDs() {
		for _, c := range x.takers[id] {
			x.refuse(c, id, nil)
			if !listed[c] {
				listed[c] = true
				x.reasons[c] = append(x.reasons[c], order.Problem{File: c.r.Path,
					Msg: fmt.Sprintf("contains orders of %s, which is gone, but %s", printable.Line(path), why(c))})
			}
		}
	}
}

// A reason returns why a candidate does not replace a file that is gone.
type reason func(*candidate) string

// keeps returns why a file that is gone does not give way to the candidates that have its
// orders, or nil if the file gives way. A new name must not walk around max_shrink nor around
// the serial.
func (x *clashes) keeps(f *file) reason {
	if why := x.lacks(f.part); why != nil {
		return why
	}
	var heirs []*candidate
	for id := range f.part.IDs() {
		for _, c := range x.takers[id] {
			if x.taken[c] == nil && !slices.Contains(heirs, c) {
				heirs = append(heirs, c)
			}
		}
	}
	now := seconds(x.s.clock.Now())
	before := f.part.BlockedAt(now)
	confirmed := true
	var parts []*ruleset.Part
	for _, c := range heirs {
		if badSerial(c, f) != "" {
			return func(h *candidate) string {
				return cmp.Or(badSerial(h, f), fmt.Sprintf("%s, which contains others of them, has no serial above %d", printable.Line(c.r.Path), f.serial))
			}
		}
		parts = append(parts, c.part)
		confirmed = confirmed && c.parsed.ShrinkOK == int64(c.parsed.Targets)
	}
	// A name that several candidates have is kept once.
	kept := before - f.part.TargetsLostIn(parts, now)
	if before < smallFile || confirmed || (before-kept)*100 <= before*x.s.opt.MaxShrink {
		return nil
	}
	return func(h *candidate) string {
		return fmt.Sprintf("%d of its %d targets in force are missing, more than max_shrink %d%%. "+
			"If this is meant, write \"shrink_ok: %d\", the number of targets that this version holds",
			before-kept, before, x.s.opt.MaxShrink, h.parsed.Targets)
	}
}

// badSerial returns what is wrong with the serial of a candidate that has orders of a file
// that is gone, or "".
func badSerial(c *candidate, f *file) string {
	switch is := c.parsed.Serial; {
	case f.serial < 0 || is > f.serial || is == f.serial && c.r.Digest == f.own:
		return ""
	case is < 0:
		return fmt.Sprintf("has no serial, and the serial in force is %d; write a serial above %d", f.serial, f.serial)
	case is == f.serial:
		return fmt.Sprintf("has other bytes and the same serial, %d; write a serial above %d", is, f.serial)
	default:
		return fmt.Sprintf("its serial is %d and the serial in force is %d; write a serial above %d", is, f.serial, f.serial)
	}
}

// lacks returns the reason if an order of a part is in no candidate that may go into force.
func (x *clashes) lacks(part *ruleset.Part) reason {
	n := 0
	for id := range part.IDs() {
		if !x.has(id) {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return func(*candidate) string {
		return fmt.Sprintf("no other file that can go into force has %s of that file; its orders stay in force until other files contain all of them", count(n, "order"))
	}
}

// moved returns the files that give way, in the order of the configuration.
func (x *clashes) moved() []string {
	return slices.DeleteFunc(slices.Clone(x.s.order), func(path string) bool { return !x.leavers[path] })
}
