package source

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/printable"
)

// tracked is one watched path: where the path leads, and the version of the file.
type tracked struct {
	path    string // the path as shown to the user
	abs     string
	dir     string // the directory of abs
	list    bool   // the file is a side list or a protect list, not an order file
	owners  []*order
	settler settler

	loc      *location // where the path led at the last look; nil before the first look
	lookedAt time.Time
	seen     uint64 // the number of the last event before the last look
	used     uint64 // the value of seen when the last version was complete; earlier events are no evidence
	inode    uint64 // the inode of the last complete version
	initial  bool   // found at the start or referred to by an order file, and still in its first version
	swapped  bool   // a symbolic link on the way is new, and no write came after the link
	quietAt  time.Time
	job      *job
	hashedAt time.Time
	noticed  Digest // the digest of the version whose missing line end was logged
}

// unsettled reports whether the file is changing, or is not hashed yet.
func (t *tracked) unsettled() bool { return t.settler.waiting || t.settler.settled.state == 0 }

// version returns the version to report now: the last complete version, or Pending while the
// file is changing.
func (t *tracked) version() version {
	if t.unsettled() {
		return version{state: Pending, err: fmt.Errorf("%s: %w", printable.Line(t.path), ErrPending)}
	}
	return t.settler.settled
}

// ragged reports whether a file may have been cut, because its last byte is not a line end. A
// JSON file is never ragged, because JSON that was cut is not valid.
func (t *tracked) ragged(last byte, size int64) bool {
	if t.initial || size == 0 || last == '\n' {
		return false
	}
	ext := strings.ToLower(filepath.Ext(t.path))
	return t.list || ext == ".yaml" || ext == ".yml"
}

// evidence returns the facts that can show that the file is complete. e is the last kernel
// event of the file.
func (t *tracked) evidence(e lastEvent) evidence {
	v := evidence{initial: t.initial, swapped: t.swapped, other: t.inode != 0 && t.loc.inode != t.inode}
	if e.written > t.used {
		v.how = e.how
	}
	return v
}

// compare takes l, the location that a look (a scan of the paths) found for t, and decides
// whether the file must be hashed. It reads no file. seq is the number of the last kernel
// event before the look.
func (s *Source) compare(t *tracked, l *location, seq uint64, now time.Time) {
	if s.tracked[t.abs] != t {
		return // the path is no longer watched
	}
	old := t.loc
	if old == nil || !slices.Equal(old.points(), l.points()) {
		s.stale = true
	}
	e := s.events.last[l.end]
	swapped := s.linkSwapped(t, l, e)
	changed := swapped || old != nil && (l.end != old.end || l.stamp != old.stamp || l.detached != old.detached || e.written > t.seen)
	if old != nil && l.end != old.end {
		t.used = 0 // earlier events were about another name
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

// plan starts the hashing of t if the hashing is due now. Otherwise plan asks for a look (a
// scan of the paths) at the time when the hashing is due.
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

// refusal returns the reason why the file at l must not be hashed, for example because it is
// too large. refused is false if there is no reason.
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

// sizeText returns a number of bytes with a unit, for example 64 MiB or 3.0 GiB.
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

// outside reports whether a side list (a list of names in a file of its own) lies outside the
// directories of all order files that refer to it. A side list may lie below the directory of
// the order file's path, or below the real directory of the order file. The real directory
// counts because in Kubernetes both files are behind one link.
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

// linkSwapped reports whether a symbolic link on the way to the file is new or has a new
// target, and whether the file was not written to after the link was made. Earlier writes do
// not count, because a link is normally made when the writes are finished. e is the last event
// of the file.
func (s *Source) linkSwapped(t *tracked, l *location, e lastEvent) bool {
	if l.err != nil || len(l.links) == 0 || t.initial && t.loc == nil {
		return false
	}
	before := t.loc
	if before == nil {
		// The path is new to the Source, but the links that lead to its directory are old.
		// Only the last component may count as a new link. Otherwise a half-written file in a
		// linked directory would count as complete.
		i := slices.IndexFunc(l.links, func(l2 link) bool { return l2.at == l.entry })
		if i < 0 {
			return false
		}
		before = &location{links: l.links[:i]}
	}
	var found bool
	var at uint64
	for _, link := range l.links {
		// Only added links count, not removed links: `rm orders.yaml; cat > orders.yaml`
		// removes a link and then writes in place. A link that reappears together with its
		// directory may be old and does not count either.
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

// observe passes the observation v (the result of hashing) to the settler of t, which decides
// whether the version is complete. It also plans the next observation.
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

// markDirty records that the orders that use t may have a change to report.
func (s *Source) markDirty(t *tracked) {
	for _, o := range t.owners {
		s.dirty[o] = true
	}
}
