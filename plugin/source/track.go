package source

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/printable"
)

// track is one watched path: what was last seen there, and the version that it has.
type track struct {
	path   string // as shown
	abs    string
	list   bool // a side list or protect list
	owners []*order
	set    settler

	place    *place // where the path led at the last look; nil before
	saw      uint64 // number of the last event that the last look has seen
	used     uint64 // saw when the version settled: earlier events say nothing any more
	inode    uint64 // of the version that settled
	first    bool   // found at the start or named by an order file, and not settled yet
	swap     bool   // a link leads here that did not; nothing happened since
	calmAt   time.Time
	job      *job
	hashedAt time.Time
	warned   Digest // the version with a ragged last line that was noticed
}

// restless reports whether the version of the path may be about to change.
func (t *track) restless() bool { return t.set.waiting || t.set.held.state == 0 }

// version returns what is to be reported about t now.
func (t *track) version() version {
	if t.restless() {
		return version{state: Pending, err: fmt.Errorf("%s: %w", printable.Line(t.path), ErrPending)}
	}
	return t.set.held
}

// ragged reports whether a version that ends in the byte last may have been cut. JSON
// that is cut is never valid.
func (t *track) ragged(last byte, size int64) bool {
	if t.first || size == 0 || last == '\n' {
		return false
	}
	ext := strings.ToLower(filepath.Ext(t.path))
	return t.list || ext == ".yaml" || ext == ".yml"
}

// evidence returns what speaks for the bytes being complete. m is the mark of the place.
func (t *track) evidence(m mark) evidence {
	e := evidence{first: t.first, swapped: t.swap}
	if m.seq > t.used {
		e.how = m.how
	}
	e.other = t.inode != 0 && t.place.inode != t.inode
	return e
}

// see compares what is at a path with what was there, without reading it, and decides
// whether it must be read. seq is the number of the last event before the look.
func (s *Source) see(t *track, p *place, seq uint64, now time.Time) {
	if s.tracks[t.abs] != t {
		return // nobody needs it any more
	}
	m := s.marks.get(p.end)
	news := m.seq > t.saw
	if p == t.place && !news && !t.restless() && t.set.held.state == Ready && now.Before(t.hashedAt.Add(Recheck)) {
		return
	}
	old := t.place
	if old == nil || !slices.Equal(old.points(), p.points()) {
		s.stale = true
	}
	swapped := s.swapped(t, p, m)
	v, bad := s.inspect(t, p)
	disturbed := swapped || old != nil && (p.end != old.end || p.stamp != old.stamp || p.detached != old.detached || news)
	if old != nil && p.end != old.end {
		t.used = 0 // the events were about another name
	}
	t.place, t.saw = p, min(m.seq, seq)
	t.swap = swapped || t.swap && !disturbed
	if disturbed || bad {
		s.drop(t)
	}
	if bad {
		s.sight(t, sight{version: v, at: now, whole: t.first || v.state == Pending})
		return
	}
	if disturbed {
		t.first = false
		t.set.disturb()
		s.touch(t)
		t.calmAt = now
		if p.size > bigFile && !t.evidence(m).any() {
			t.calmAt = now.Add(quiet)
		}
	}
	s.plan(t, now)
}

// plan has the bytes of a file that is there hashed when the next sight of them is due.
func (s *Source) plan(t *track, now time.Time) {
	at := now
	switch due := t.set.due(); {
	case t.job != nil: // in hand
		return
	case !due.IsZero():
		at = due
	case t.restless():
		at = t.calmAt
	case t.set.held.state == Ready && now.Before(t.hashedAt.Add(Recheck)):
		return
	}
	if now.Before(at) {
		s.settleAt(at)
	} else {
		s.want(t)
	}
}

// inspect returns why the bytes at p cannot or must not be read.
func (s *Source) inspect(t *track, p *place) (v version, bad bool) {
	if root, out := t.outside(p); out {
		return version{state: Unreadable, err: fmt.Errorf("%s: must lie in the order file's directory %s, but leads to %s",
			printable.Line(t.path), printable.Line(root), printable.Line(p.end))}, true
	}
	if v, bad = p.fault(t.path); bad {
		return v, bad
	}
	if s.maxBytes != nil {
		if limit := s.maxBytes(t.path, t.list); limit > 0 && p.size > limit {
			got := sizeText(p.size)
			if got == sizeText(limit) {
				got = fmt.Sprintf("%d bytes", p.size)
			}
			return version{state: Unreadable, err: fmt.Errorf("%s: is larger than %s, got %s", printable.Line(t.path), sizeText(limit), got)}, true
		}
	}
	return v, false
}

// sizeText returns a number of bytes for people: 64 MiB, 3.0 GiB.
func sizeText(n int64) string {
	units := []string{"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	f, i := float64(n), 0
	for f >= 1024 && i+1 < len(units) {
		f, i = f/1024, i+1
	}
	if i == 0 || f >= 10 && f == float64(int64(f)) {
		return fmt.Sprintf("%.0f %s", f, units[i])
	}
	return fmt.Sprintf("%.1f %s", f, units[i])
}

// outside reports whether a side list leads out of the directory of each order file that
// names it. Both the directory of the path and the real directory of the file count:
// in Kubernetes the order file and its list lead through the same link.
func (t *track) outside(p *place) (root string, out bool) {
	for _, o := range t.owners {
		if o.t == t || o.t.place == nil {
			return "", false
		}
		root = filepath.Dir(o.t.place.entry)
		if within(root, p.end) || within(filepath.Dir(o.t.place.end), p.end) {
			return "", false
		}
	}
	return root, len(t.owners) > 0
}

// swapped reports whether the path now leads through a link that was not there or said
// something else, and whether nothing was written to the target since. Writes before the
// link was made do not matter: a link is made when they are done.
func (s *Source) swapped(t *track, p *place, m mark) bool {
	if p.err != nil || len(p.links) == 0 || t.first && t.place == nil {
		return false
	}
	before := t.place
	if before == nil {
		// A new name. The links that lead to its folder are old; taking them for new
		// would make every file that is being written in a linked folder complete.
		i := slices.IndexFunc(p.links, func(l link) bool { return l.at == p.entry })
		if i < 0 {
			return false
		}
		before = &place{links: p.links[:i]}
	}
	var found bool
	var at uint64
	for _, l := range p.links {
		// A link that is gone does not count: `rm orders.yaml; cat > orders.yaml` where
		// a link was is a write in place. A link that came back with its folder may be
		// old.
		if slices.Contains(before.links, l) || before.err != nil && within(before.at, l.at) {
			continue
		}
		found = true
		if lm := s.marks.get(l.at); lm.how == created || lm.how == renamed {
			at = max(at, lm.seq)
		}
	}
	return found && (at == 0 || m.how != written || m.seq < at)
}

// sight feeds a complete sight to the state machine.
func (s *Source) sight(t *track, v sight) {
	t.set.see(v)
	if t.set.waiting {
		s.settleAt(t.set.due())
	} else {
		t.used, t.swap, t.first = t.saw, false, false
		if t.place != nil {
			t.inode = t.place.inode
		}
	}
	s.touch(t)
}

// touch notes that the version of t may have changed.
func (s *Source) touch(t *track) {
	for _, o := range t.owners {
		s.dirty[o] = true
	}
}
