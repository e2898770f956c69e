package store

import (
	"slices"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/source"
)

// candidate is a version of a file that is good by itself and waits for its
// order ids to be free.
type candidate struct {
	path   string
	own    source.Digest
	part   *ruleset.Part
	parsed *order.File
	digest string
	keep   func() // tells the source which side lists belong to it
	// missing are the names of than, the version in force, that it does not have; negative
	// when they were not counted.
	than    *ruleset.Part
	missing int
}

// admit puts candidates into force, all that fit together: an order may move
// from one file to another in one step. Of two files with the same id the
// newcomer is refused; it waits, since the other one may let the id go. A file
// that is gone gives way when its orders, all of them, have come in others: it
// was renamed or split. admit says whether the set has to change.
func (s *Store) admit() bool {
	var cs []*candidate
	for _, path := range s.order {
		if c := s.files[path].waiting; c != nil {
			cs = append(cs, c)
		}
	}
	var moved []string
	for len(cs) > 0 {
		clash := map[*candidate][]*ruleset.Part{}
		if moved = s.clashes(cs, clash); len(clash) == 0 {
			break
		}
		for c, parts := range clash {
			dup := ruleset.Duplicates(c.part, parts)
			s.fail(c.path, s.files[c.path], c.own, dup)
		}
		cs = slices.DeleteFunc(cs, func(c *candidate) bool { return clash[c] != nil })
		moved = nil // a file that is gone must not give way to one that is refused
	}
	for _, path := range moved {
		s.log.Infof("%s: is gone; its orders have come in other files", path)
		s.files[path].part = nil
		if s.src.Forget(path) {
			delete(s.files, path)
			s.order = slices.DeleteFunc(s.order, func(p string) bool { return p == path })
		}
	}
	for _, c := range cs {
		f := s.files[c.path]
		if n := c.part.Refusing(); n > 0 {
			s.log.Warningf("%s: %d orders answer refused, which is best effort: stubs ask their next server, and caches that serve stale data keep the old answer", c.path, n)
		}
		if f.part != nil {
			s.parsed += f.part.Targets()
		}
		if c.than != f.part {
			c.missing = -1 // it had to wait, and another version came between
		}
		s.news = append(s.news, news{c.path, f.part, c.part, c.digest, c.missing})
		f.part, f.digest, f.own, f.serial, f.err, f.waiting = c.part, c.digest, c.own, c.parsed.Serial, nil, nil
		f.expires = c.parsed.Expires
		c.keep()
	}
	return len(cs) > 0
}

// clashes finds the candidates whose ids are taken, by earlier candidates or by
// files in force, and the files that are gone whose ids have all come in
// candidates.
func (s *Store) clashes(cs []*candidate, clash map[*candidate][]*ruleset.Part) (moved []string) {
	ids, isCandidate := map[string]*candidate{}, map[string]bool{}
	for _, c := range cs {
		isCandidate[c.path] = true
		for id := range c.part.IDs() {
			if first := ids[id]; first == nil {
				ids[id] = c
			} else if !slices.Contains(clash[c], first.part) {
				clash[c] = append(clash[c], first.part)
			}
		}
	}
	for _, path := range s.order {
		f := s.files[path]
		if f.part == nil || isCandidate[path] {
			continue
		}
		n, hit := 0, map[*candidate]bool{}
		for id := range f.part.IDs() {
			if c := ids[id]; c != nil {
				n, hit[c] = n+1, true
			}
		}
		if n > 0 && f.gone && n == f.part.Orders() {
			moved = append(moved, path)
			continue
		}
		for c := range hit {
			clash[c] = append(clash[c], f.part)
		}
	}
	return moved
}
