package store

import (
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/source"
)

type candidate struct {
	r source.File
	reading
	proof
}

type activation struct {
	path      string
	old, new  *ruleset.Part
	digest    string
	forgotten bool
}

func (s *Store) admit() bool {
	var cs []*candidate
	for _, path := range s.paths {
		if c := s.files[path].waiting; c != nil {
			cs = append(cs, c)
		}
	}
	if len(cs) == 0 {
		return false
	}
	x := s.clashes(cs)
	for _, path := range x.replacedFiles() {
		s.log.Infof("%s: is gone; other files contain its orders now", path)
		f := s.files[path]
		s.touched += f.part.Targets()
		f.version = f.former()
		if !s.forget(path, f) {
			s.unreadable = append(s.unreadable, source.File{Path: path, State: source.Missing})
		}
	}
	changed := false
	for _, c := range cs {
		f := s.files[c.r.Path]
		if x.conflicts[c] != nil {
			s.fail(c.r.Path, f, c.r.Digest, x.problems(c))
			continue
		}
		changed = true
		if n := c.part.CountRefused(); n > 0 {
			s.log.Warningf("%s: %s with the answer refused, which is best effort: stubs ask their next server, and caches that serve stale data keep the old answer", c.r.Path, count(n, "order"))
		}
		if f.part != nil {
			s.touched += f.part.Targets()
		}
		s.activated = append(s.activated, activation{path: c.r.Path, old: f.part, new: c.part, digest: c.digest})
		f.version = c.version(c.r.Digest, s.clock.Now())
		f.proven(c.proof)
		f.waiting, f.unseen = nil, false
		s.markGood(c.r, f)
		if sides := append(s.signatureNames(c.r.Path), c.parsed.Sides...); len(sides)+len(c.r.Sides) > 0 { // most files never had a side list
			c.r.SetSides(sides)
		}
	}
	return changed
}
