package source

import (
	"slices"
	"time"
)

// filesPerPoll is about the number of files that one poll looks at although the kernel would report
// their changes.
const filesPerPoll = 256

// keep decides which results of the last look are kept in the next look. The kernel reports changes
// in a watched directory of a local file system. Results about files there are kept until an event,
// but not longer than every. This limit is necessary because some changes cause no event: a write
// through another name of the file, and a mount over the file. With fewer than 2*filesPerPoll
// files, a poll keeps no result about a file.
type keep struct {
	s     *Source
	now   time.Time
	every time.Duration
	local map[string]bool // the result of watcher.local
}

func (s *Source) keep(now time.Time) keep {
	k := keep{s: s, now: now, every: s.poll * time.Duration(len(s.list)/filesPerPoll)}
	if s.watch != nil && !s.doubt {
		k.local = s.watch.local()
	}
	return k
}

// pattern reports whether the last expansion of p is kept.
func (k keep) pattern(p *pattern) bool {
	if p.kind == plainFile {
		return p.last != nil
	}
	return !k.s.relist && p.last != nil && p.last.state == Ready && k.now.Sub(p.listedAt) < k.every &&
		!slices.ContainsFunc(p.last.dirs, func(dir string) bool { return !k.local[k.s.dirs[dir].end] })
}

// path reports whether the last location of t is kept.
func (k keep) path(t *tracked) bool {
	if t.loc == nil || k.now.Sub(t.lookedAt) >= k.every || t.unsettled() {
		return false
	}
	if t.settler.settled.state != Ready || !k.now.Before(t.hashedAt.Add(Recheck)) {
		return false
	}
	dir := k.s.dirs[t.dir]
	if dir == nil || !k.local[dir.end] || len(t.loc.links) > len(dir.links) || t.loc.dev != dir.dev || t.loc.detached {
		return false // an event in another directory, or no event
	}
	return k.s.events.seq <= t.seen || k.s.events.last[t.loc.end].seq <= t.seen
}
