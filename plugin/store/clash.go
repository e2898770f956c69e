package store

import (
	"fmt"
	"maps"
	"slices"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// Two files in force must not have the same order id.
type clashes struct {
	s *Store
	// The keys are order ids. The first candidate of an id has precedence.
	byID map[string][]*candidate
	// A part is nil if its file is missing.
	conflicts  map[*candidate]map[string]*ruleset.Part
	reasons    map[*candidate]order.Problems
	replaced   map[string]bool
	replacedBy map[string]string
	unchecked  []*candidate
}

func (s *Store) clashes(cs []*candidate) *clashes {
	x := &clashes{
		s: s, byID: map[string][]*candidate{}, conflicts: map[*candidate]map[string]*ruleset.Part{},
		reasons:  map[*candidate]order.Problems{},
		replaced: map[string]bool{}, replacedBy: map[string]string{},
	}
	isCandidate := map[string]bool{}
	for _, c := range cs {
		isCandidate[c.r.Path] = true
		for id := range c.part.IDs() {
			if first := x.byID[id]; len(first) > 0 {
				x.refuse(c, id, first[0].part)
			}
			x.byID[id] = append(x.byID[id], c)
		}
	}
	for _, path := range s.paths {
		f := s.files[path]
		if f.part == nil || isCandidate[path] {
			continue
		}
		if !f.gone || f.part.Orders() == 0 {
			x.keepPart(f.part, nil)
			continue
		}
		if why := x.whyKept(f); why != nil {
			x.keepFile(path, why)
			continue
		}
		x.replaced[path] = true
		for id := range f.part.IDs() {
			x.replacedBy[id] = path
		}
	}
	for len(x.unchecked) > 0 {
		c := x.unchecked[len(x.unchecked)-1]
		x.unchecked = x.unchecked[:len(x.unchecked)-1]
		if part := s.files[c.r.Path].part; part != nil {
			x.keepPart(part, c)
		}
		for id := range c.part.IDs() {
			if path := x.replacedBy[id]; x.replaced[path] && !x.hasSuccessor(id) {
				delete(x.replaced, path)
				x.keepFile(path, x.whyIncomplete(s.files[path].part))
			}
		}
	}
	return x
}

// The part is nil if its file is missing.
func (x *clashes) refuse(c *candidate, id string, part *ruleset.Part) {
	if x.conflicts[c] == nil {
		x.conflicts[c] = map[string]*ruleset.Part{}
		x.unchecked = append(x.unchecked, c)
	}
	if x.conflicts[c][id] == nil {
		x.conflicts[c][id] = part
	}
}

func (x *clashes) problems(c *candidate) order.Problems {
	by := maps.Clone(x.conflicts[c])
	maps.DeleteFunc(by, func(_ string, part *ruleset.Part) bool { return part == nil })
	return append(x.reasons[c], c.part.Taken(by)...)
}

func (x *clashes) keepPart(part *ruleset.Part, own *candidate) {
	for id := range part.IDs() {
		for _, c := range x.byID[id] {
			if c != own {
				x.refuse(c, id, part)
			}
		}
	}
}

func (x *clashes) hasSuccessor(id string) bool {
	return slices.ContainsFunc(x.byID[id], func(c *candidate) bool { return x.conflicts[c] == nil })
}

func (x *clashes) keepFile(path string, why reason) {
	listed := map[*candidate]bool{}
	for id := range x.s.files[path].part.IDs() {
		for _, c := range x.byID[id] {
			x.refuse(c, id, nil)
			if !listed[c] {
				listed[c] = true
				x.reasons[c] = append(x.reasons[c], order.Problem{File: c.r.Path,
					Msg: fmt.Sprintf("contains orders of %s, which is gone, but %s", printable.Line(path), why(c))})
			}
		}
	}
}

type reason func(*candidate) string

// Candidates may take over the orders of a missing file. They must pass the checks of the serial
// and of max_shrink.
func (x *clashes) whyKept(f *file) reason {
	if why := x.whyIncomplete(f.part); why != nil {
		return why
	}
	var successors []*candidate
	for id := range f.part.IDs() {
		for _, c := range x.byID[id] {
			if x.conflicts[c] == nil && !slices.Contains(successors, c) {
				successors = append(successors, c)
			}
		}
	}
	now := seconds(x.s.clock.Now())
	confirmed := true
	var parts []*ruleset.Part
	for _, c := range successors {
		if serialProblem(&f.version, c.parsed.Serial, c.r.Digest) != "" {
			return func(h *candidate) string {
				if why := serialProblem(&f.version, h.parsed.Serial, h.r.Digest); why != "" {
					return "cannot replace that file: serial: " + why
				}
				return fmt.Sprintf("%s, which contains other orders of that file, has no serial above %d", printable.Line(c.r.Path), f.serial)
			}
		}
		parts = append(parts, c.part)
		confirmed = confirmed && c.parsed.ShrinkOK == int64(c.parsed.Targets)
	}
	// Pass all parts in one call, because a name in several candidates must be counted only once.
	before, lost := f.part.BlockedAt(now), f.part.TargetsLostIn(parts, now)
	if confirmed || !x.s.shrinksTooMuch(before, lost) {
		return nil
	}
	return func(h *candidate) string {
		return fmt.Sprintf("%d of its %d targets in force are missing, %s", lost, before, x.s.shrinkAdvice(h.parsed))
	}
}

func (x *clashes) whyIncomplete(part *ruleset.Part) reason {
	n := 0
	for id := range part.IDs() {
		if !x.hasSuccessor(id) {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return func(*candidate) string {
		return fmt.Sprintf("no other file that can go into force has %s of that file; its orders stay %s until other files contain all of them", count(n, "order"), x.s.stateText(ruleset.InForce))
	}
}

func (x *clashes) replacedFiles() []string {
	return slices.DeleteFunc(slices.Clone(x.s.paths), func(path string) bool { return !x.replaced[path] })
}
