package store

import (
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/source"
)

// candidate is a version of a file that is good by itself and waits for its
// order ids to be free.
type candidate struct {
	r      source.File
	part   *ruleset.Part
	parsed *order.File
	digest string
	signed time.Time
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
	if len(cs) == 0 {
		return false
	}
	x := s.clashes(cs)
	for _, path := range x.moved() {
		s.log.Infof("%s: is gone; its orders have come in other files", path)
		f := s.files[path]
		s.parsed += f.part.Targets()
		f.version = f.past()
		if !s.forget(path, f) {
			s.losses = append(s.losses, loss{path, source.File{Path: path, State: source.Missing}})
		}
	}
	changed := false
	for _, c := range cs {
		f := s.files[c.r.Path]
		if x.taken[c] != nil {
			s.fail(c.r.Path, f, c.r.Digest, x.problems(c))
			continue
		}
		changed = true
		if n := c.part.CountRefused(); n > 0 {
			s.log.Warningf("%s: %s with the answer refused, which is best effort: stubs ask their next server, and caches that serve stale data keep the old answer", c.r.Path, count(n, "order"))
		}
		if f.part != nil {
			s.parsed += f.part.Targets()
		}
		s.news = append(s.news, news{c.r.Path, f.part, c.part, c.digest})
		f.version = version{part: c.part, digest: c.digest, own: c.r.Digest, serial: c.parsed.Serial, since: versions.Add(1), expires: c.parsed.Expires, zone: c.parsed.Timezone, signed: c.signed}
		f.waiting, f.unseen = nil, false
		s.good(c.r, f)
		if sides := append(s.signatureNames(c.r.Path), c.parsed.Sides...); len(sides)+len(c.r.Sides) > 0 { // most files never had a side list
			c.r.SetSides(sides)
		}
	}
	return changed
}
