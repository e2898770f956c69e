package source

import (
	"slices"
	"time"
)

// filesPerPoll is roughly how many of the files with kernel events one poll checks. A change
// of such a file normally causes an event, so each poll needs to check only a part of the
// files.
const filesPerPoll = 256

// keep decides for which files the next look (the next scan of the watched paths) may use the
// result of the last look. The result can be used again if the file is on a local file system
// and its directory is watched, because the kernel reports changes there. Some changes cause
// no event: a write through another name of the file, and a mount over the file. The field
// every is therefore the maximum age of a result. With fewer than 2*filesPerPoll files, each
// poll checks each file.
type keep struct {
	s     *Source
	now   time.Time
	every time.Duration
	local map[string]bool // from watcher.local: whether the kernel reports all changes in the directory
}

func (s *Source) keep(now time.Time) keep {
	k := keep{s: s, now: now, every: s.poll * time.Duration(len(s.list)/filesPerPoll)}
	if s.watch != nil && !s.doubt {
		k.local = s.watch.local()
	}
	return k
}

// pattern reports whether the next look (scan of the paths) may use the last list of files of
// p.
func (k keep) pattern(p *pattern) bool {
	if p.kind == plainFile {
		return p.last != nil
	}
	return !k.s.relist && p.last != nil && p.last.state == Ready && k.now.Sub(p.listedAt) < k.every &&
		!slices.ContainsFunc(p.last.dirs, func(dir string) bool { return !k.local[k.s.dirs[dir].end] })
}

// path reports whether the next look (scan of the paths) may use the last location of t.
func (k keep) path(t *tracked) bool {
	if t.loc == nil || k.now.Sub(t.lookedAt) >= k.every || t.unsettled() {
		return false
	}
	if t.settler.settled.state != Ready || !k.now.Before(t.hashedAt.Add(Recheck)) {
		return false
	}
	dir := k.s.dirs[t.dir]
	if dir == nil || !k.local[dir.end] || len(t.loc.links) > len(dir.links) || t.loc.dev != dir.dev || t.loc.detached {
		return false // no event comes for this file, or the event is in another directory
	}
	return k.s.events.seq <= t.seen || k.s.events.last[t.loc.end].seq <= t.seen
}
