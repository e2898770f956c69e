package source

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/printable"
)

type tracked struct {
	path    string // the path as shown to the user
	abs     string
	dir     string // the directory of abs
	list    bool   // the file is a side list or a protect list, not an order file
	owners  []*order
	settler settler

	loc      *location // where the path led at the last scan; nil before
	lookedAt time.Time
	seen     uint64 // the number of the last event before the last scan
	used     uint64 // the value of "seen" at the last complete version; earlier events are no evidence
	inode    uint64 // the inode of the last complete version
	initial  bool   // found at the start or by an order file, and not changed since
	swapped  bool   // a link on the way to the file is new, and no write came later
	quietAt  time.Time
	job      *job
	hashedAt time.Time
	noticed  Digest // the version whose missing line end was logged
}

func (t *tracked) unsettled() bool { return t.settler.waiting || t.settler.settled.state == 0 }

func (t *tracked) version() version {
	if t.unsettled() {
		return version{state: Pending, err: fmt.Errorf("%s: %w", printable.Line(t.path), ErrPending)}
	}
	return t.settler.settled
}

// A JSON file may lack the last line end.
func (t *tracked) ragged(last byte, size int64) bool {
	if t.initial || size == 0 || last == '\n' {
		return false
	}
	ext := strings.ToLower(filepath.Ext(t.path))
	return t.list || ext == ".yaml" || ext == ".yml" || ext == listEnding
}

func (t *tracked) evidence(e lastEvent) evidence {
	v := evidence{initial: t.initial, swapped: t.swapped, other: t.inode != 0 && t.loc.inode != t.inode}
	if e.written > t.used {
		v.how = e.how
	}
	return v
}

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

// If an order file is a link, its side lists may be in the directory of the real file. Kubernetes
// does this.
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

func (s *Source) linkSwapped(t *tracked, l *location, e lastEvent) bool {
	if l.err != nil || len(l.links) == 0 || t.initial && t.loc == nil {
		return false
	}
	before := t.loc
	if before == nil {
		i := slices.IndexFunc(l.links, func(l2 link) bool { return l2.at == l.entry })
		if i < 0 {
			return false
		}
		before = &location{links: l.links[:i]}
	}
	var found bool
	var at uint64
	for _, link := range l.links {
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

func (s *Source) markDirty(t *tracked) {
	for _, o := range t.owners {
		s.dirty[o] = true
	}
}
