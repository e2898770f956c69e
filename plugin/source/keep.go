package source

import (
	"slices"
	"time"
)

const filesPerPoll = 256

type keep struct {
	s     *Source
	now   time.Time
	every time.Duration
	local map[string]bool // by directory: whether the kernel reports all changes
}

func (s *Source) keep(now time.Time) keep {
	k := keep{s: s, now: now, every: s.poll * time.Duration(len(s.list)/filesPerPoll)}
	if s.watch != nil && !s.doubt {
		k.local = s.watch.local()
	}
	return k
}

func (k keep) pattern(p *pattern) bool {
	if p.kind == plainFile {
		return p.last != nil
	}
	return !k.s.relist && p.last != nil && p.last.state == Ready && k.now.Sub(p.listedAt) < k.every &&
		!slices.ContainsFunc(p.last.dirs, func(dir string) bool { return !k.local[k.s.dirs[dir].end] })
}

func (k keep) path(t *tracked) bool {
	if t.loc == nil || k.now.Sub(t.lookedAt) >= k.every || t.unsettled() {
		return false
	}
	if t.settler.settled.state != Ready || !k.now.Before(t.hashedAt.Add(Recheck)) {
		return false
	}
	dir := k.s.dirs[t.dir]
	if dir == nil || !k.local[dir.end] || len(t.loc.links) > len(dir.links) || t.loc.dev != dir.dev || t.loc.detached {
		return false // no event comes for this file, or only in another directory
	}
	return k.s.events.seq <= t.seen || k.s.events.last[t.loc.end].seq <= t.seen
}
