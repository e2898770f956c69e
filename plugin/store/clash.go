package store

import (
	"fmt"
	"maps"
	"slices"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// clashes finds the candidates of a batch that can go into force together. No two files in
// force may have the same order id. The refusal of one
// candidate may cause the refusal of the next candidate, and so on. Each id is nevertheless
// looked up only a few times.
type clashes struct {
	s *Store
	// byID has the candidates that contain each id, in the order of the configuration. At most
	// the first of them may go into force.
	byID map[string][]*candidate
	// conflicts has, for each refused candidate, the ids that other files have in force and the
	// parts of these files. The part is nil if its file is gone; reasons then has the problem.
	conflicts map[*candidate]map[string]*ruleset.Part
	reasons   map[*candidate]order.Problems
	// replaced has the paths of the files that are gone and whose orders are all in candidates.
	// replacedBy has these paths by the ids of the orders.
	replaced   map[string]bool
	replacedBy map[string]string
	// unchecked has the refused candidates whose files still have versions in force. The ids of
	// these versions must be compared with the other candidates.
	unchecked []*candidate
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
		// A refused candidate must not replace a file that is gone.
		for id := range c.part.IDs() {
			if path := x.replacedBy[id]; x.replaced[path] && !x.hasSuccessor(id) {
				delete(x.replaced, path)
				x.keepFile(path, x.whyIncomplete(s.files[path].part))
			}
		}
	}
	return x
}

// refuse refuses a candidate because part has an order with the id.
func (x *clashes) refuse(c *candidate, id string, part *ruleset.Part) {
	if x.conflicts[c] == nil {
		x.conflicts[c] = map[string]*ruleset.Part{}
		x.unchecked = append(x.unchecked, c)
	}
	if x.conflicts[c][id] == nil {
		x.conflicts[c][id] = part
	}
}

// problems returns the reasons why a candidate is refused.
func (x *clashes) problems(c *candidate) order.Problems {
	by := maps.Clone(x.conflicts[c])
	maps.DeleteFunc(by, func(_ string, part *ruleset.Part) bool { return part == nil })
	return append(x.reasons[c], c.part.Taken(by)...)
}

// keepPart refuses all candidates, except own, that contain an order of part. The part stays in
// force.
func (x *clashes) keepPart(part *ruleset.Part, own *candidate) {
	for id := range part.IDs() {
		for _, c := range x.byID[id] {
			if c != own {
				x.refuse(c, id, part)
			}
		}
	}
}

// hasSuccessor reports whether a candidate that is not refused contains the id.
func (x *clashes) hasSuccessor(id string) bool {
	return slices.ContainsFunc(x.byID[id], func(c *candidate) bool { return x.conflicts[c] == nil })
}

// keepFile refuses the candidates that contain an order of a file that is gone. The orders of
// the file stay in force. why returns the reason for a candidate.
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

// A reason returns the reason why a candidate does not replace a file that is gone.
type reason func(*candidate) string

// whyKept returns the reason why a file that is gone stays in force, or nil if candidates
// replace the file. The candidates must obey max_shrink and the serial of the file: otherwise,
// a rename would be a way around both.
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
	// A name that several candidates contain is counted once.
	before, lost := f.part.BlockedAt(now), f.part.TargetsLostIn(parts, now)
	if confirmed || !x.s.shrinksTooMuch(before, lost) {
		return nil
	}
	return func(h *candidate) string {
		return fmt.Sprintf("%d of its %d targets in force are missing, %s", lost, before, x.s.shrinkAdvice(h.parsed))
	}
}

// whyIncomplete returns the reason why a part stays in force if an order of the part is in no
// candidate that may go into force, else nil.
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

// replacedFiles returns the files that are gone and that candidates replace, in the order of
// the configuration.
func (x *clashes) replacedFiles() []string {
	return slices.DeleteFunc(slices.Clone(x.s.paths), func(path string) bool { return !x.replaced[path] })
}
