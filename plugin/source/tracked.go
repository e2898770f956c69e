package source

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/printable"
)

// tracked is one watched path: the location that the last look found, and the version.
type tracked struct {
	path    string // as shown
	abs     string
	dir     string // of abs
	list    bool   // a side list or a protect list
	owners  []*order
	settler settler

	loc      *location // where the path led at the last look; nil before the first look
	lookedAt time.Time
	seen     uint64 // the number of the last event before the last look
	used     uint64 // seen when the version settled: earlier events say nothing about later versions
	inode    uint64 // of the version that settled
	initial  bool   // found at the start or named by an order file, and not settled yet
	swapped  bool   // a link that leads here is new, and nothing happened since
	quietAt  time.Time
	job      *job
	hashedAt time.Time
	noticed  Digest // the version whose last line has no end, after the notice
}

// unsettled reports whether the version of the path may change soon.
func (t *tracked) unsettled() bool { return t.settler.waiting || t.settler.settled.state == 0 }

// version returns the version to be reported now.
func (t *tracked) version() version {
	if t.unsettled() {
		return version{state: Pending, err: fmt.Errorf("%s: %w", printable.Line(t.path), ErrPending)}
	}
	return t.settler.settled
}

// ragged reports whether a version that ends in the byte last may have been cut. JSON that was
// cut is never valid.
func (t *tracked) ragged(last byte, size int64) bool {
	if t.initial || size == 0 || last == '\n' {
		return false
	}
	ext := strings.ToLower(filepath.Ext(t.path))
	return t.list || ext == ".yaml" || ext == ".yml"
}

// evidence returns the evidence that the bytes are complete. e is the last event of the file.
func (t *tracked) evidence(e lastEvent) evidence {
	v := evidence{initial: t.initial, swapped: t.swapped, other: t.inode != 0 && t.loc.inode != t.inode}
	if e.written > t.used {
		v.how = e.how
	}
	return v
}

// compare compares l, the location of a path, with the last location, without reading the file,
// and decides whether the file must be read. seq is the number of the last event before the
// look.
func (s *Source) compare(t *tracked, l *location, seq uint64, now time.Time) {
	if s.tracked[t.abs] != t {
		return // no order needs the path any more
	}
	old := t.loc
	if old == nil || !slices.Equal(old.points(), l.points()) {
		s.stale = true
	}
	e := s.events.last[l.end]
	swapped := s.linkSwapped(t, l, e)
	changed := swapped || old != nil && (l.end != old.end || l.stamp != old.stamp || l.detached != old.detached || e.written > t.seen)
	if old != nil && l.end != old.end {
		t.used = 0 // the events were about another name
	}
	t.loc, t.lookedAt, t.seen = l, now, seq
	t.swapped = swapped || t.swapped && !changed
	v, refused := s.refusal(t, l)
	if changed || refused {
		s.cancel(t)
	}
	if refused {
		s.observe(t, observation{version: v, at: now, whole: t.initial || v.state == Pending})
		return
	}
	if changed {
		t.initial = false
		t.settler.disturb()
		s.markDirty(t)
		t.quietAt = now
		if l.size > bigFile && !t.evidence(e).any() {
			t.quietAt = now.Add(quiet)
		}
	}
	s.plan(t, now)
}

// plan has the file hashed at the time at which the next observation is due.
func (s *Source) plan(t *tracked, now time.Time) {
	at := now
	switch due := t.settler.due(); {
	case t.job != nil:
		return
	case !due.IsZero():
		at = due
	case t.unsettled():
		at = t.quietAt
	case t.settler.settled.state == Ready && now.Before(t.hashedAt.Add(Recheck)):
		return
	}
	if now.Before(at) {
		s.lookAt(at)
	} else {
		t.job = &job{t: t, abs: t.abs, loc: t.loc, over: make(chan struct{})}
		s.enqueue(t.job)
	}
}

// refusal returns the reason why the file at l cannot be read or must not be read, and reports
// whether there is one.
func (s *Source) refusal(t *tracked, l *location) (v version, refused bool) {
	if root, out := t.outside(l); out {
		return version{state: Unreadable, err: fmt.Errorf("%s: must lie in the order file's directory %s, but leads to %s",
			printable.Line(t.path), printable.Line(root), printable.Line(l.end))}, true
	}
	if v, bad := l.fault(t.path); bad || s.maxBytes == nil {
		return v, bad
	}
	limit := s.maxBytes(t.path, t.list)
	if limit <= 0 || l.size <= limit {
		return v, false
	}
	got := sizeText(l.size)
	if got == sizeText(limit) {
		got = fmt.Sprintf("%d bytes", l.size)
	}
	return version{state: Unreadable, err: fmt.Errorf("%s: is larger than %s, got %s", printable.Line(t.path), sizeText(limit), got)}, true
}

// sizeText returns a number of bytes with a unit: 64 MiB, 3.0 GiB.
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

// outside reports whether a side list leads out of the directory of each order file that names
// the list. The directory of the path counts, and so does the real directory of the file: in
// Kubernetes an order file and its list lead through the same link.
func (t *tracked) outside(l *location) (root string, out bool) {
	for _, o := range t.owners {
		if o.file == t || o.file.loc == nil {
			return "", false
		}
		root = filepath.Dir(o.file.loc.entry)
		if within(root, l.end) || within(filepath.Dir(o.file.loc.end), l.end) {
			return "", false
		}
	}
	return root, len(t.owners) > 0
}

// linkSwapped reports whether the path now leads through a link that is new or has another
// text, and whether nothing was written to the file since. Writes before the link was made do
// not matter, because a link is made when the writes are done. e is the last event of the file.
func (s *Source) linkSwapped(t *tracked, l *location, e lastEvent) bool {
	if l.err != nil || len(l.links) == 0 || t.initial && t.loc == nil {
		return false
	}
	before := t.loc
	if before == nil {
		// The name is new. The links that lead to its directory are old. If they counted as
		// new, each file that is being written in a linked directory would be complete.
		i := slices.IndexFunc(l.links, func(l2 link) bool { return l2.at == l.entry })
		if i < 0 {
			return false
		}
		before = &location{links: l.links[:i]}
	}
	var found bool
	var at uint64
	for _, link := range l.links {
		// A link that is gone does not count, because `rm orders.yaml; cat > orders.yaml` is
		// a write in place. A link that came back with its directory may be old.
		if slices.Contains(before.links, link) || before.err != nil && within(before.at, link.at) {
			continue
		}
		found = true
		if made := s.events.last[link.at]; made.how == created || made.how == renamed {
			at = max(at, made.written)
		}
	}
	return found && (at == 0 || e.how != written || e.written < at)
}

// observe gives an observation to the settler of t.
func (s *Source) observe(t *tracked, v observation) {
	t.settler.observe(v)
	if t.settler.waiting {
		s.lookAt(t.settler.due())
	} else {
		t.used, t.swapped, t.initial = t.seen, false, false
		if t.loc != nil {
			t.inode = t.loc.inode
		}
	}
	s.markDirty(t)
}

// markDirty notes that the version of t may have changed, for the next report.
func (s *Source) markDirty(t *tracked) {
	for _, o := range t.owners {
		s.dirty[o] = true
	}
}
