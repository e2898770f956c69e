package source

import (
	"fmt"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/dns-orders/blocklist/plugin/coop"
)

// A look calls stat for the watched paths and lists the directories of the patterns. It runs in
// a goroutine of its own, because a call on a dead mount may never return. A look whose call does
// not return is abandoned, and the path of the call is added to Source.noAnswer. Until the call
// returns, later looks make no call about this path and get errNoAnswer.

// errNoAnswer means that the file system does not answer. The file is Pending.
var errNoAnswer error = noAnswer("the file system does not answer")

// noAnswer is an error that matches ErrPending.
type noAnswer string

func (e noAnswer) Error() string        { return string(e) }
func (e noAnswer) Is(target error) bool { return target == ErrPending }

// look is one look in progress.
type look struct {
	fs     files                          // the calls of this look
	arm    func(string) ([]string, error) // adds watches; nil without events
	seq    uint64                         // the number of the last event before the look
	at     time.Time
	poll   bool                 // the look is a poll
	before map[string]*location // of directories, at the last look

	patterns    []pattern // copies
	keepPattern []bool    // the last expansion is kept unless a directory has moved
	paths       []*tracked
	keepPath    []bool      // the last location is kept unless the directory has moved
	found       []*location // nil: kept

	fresh    []string // directories whose watch is new
	watchErr error

	// The lock of the Source guards these fields.
	call      string // the path of the current call; "" between calls
	n         int    // the number of calls so far
	abandoned bool
}

// guarded returns a function that does the same as call, for a look that may be abandoned during
// the call. The function returns errNoAnswer for a path in s.noAnswer.
func guarded[T any](s *Source, l *look, call func(string) (T, error)) func(string) (T, error) {
	return func(path string) (out T, err error) {
		s.mu.Lock()
		if s.noAnswer[path] {
			s.mu.Unlock()
			return out, errNoAnswer
		}
		l.call = path
		l.n++
		n := l.n
		s.mu.Unlock()
		if n%64 == 0 {
			coop.Yield()
		}
		out, err = call(path)
		s.mu.Lock()
		defer s.mu.Unlock()
		l.call = ""
		if l.abandoned {
			delete(s.noAnswer, path)
			runtime.Goexit()
		}
		return out, err
	}
}

// run does the look. It adds watches first, so that no change falls between the events and the
// look.
func (l *look) run() {
	if l.arm != nil {
		l.fresh, l.watchErr = l.arm("inotify")
	}
	unmoved := func(dir string) bool { return l.fs.directory(dir).sameWay(l.before[dir]) }
	for i := range l.patterns {
		if p := &l.patterns[i]; !l.keepPattern[i] || slices.ContainsFunc(p.last.dirs, func(dir string) bool { return !unmoved(dir) }) {
			p.last = p.expand(&l.fs, p.last)
		}
	}
	for i, t := range l.paths {
		if !l.keepPath[i] || !unmoved(t.dir) {
			l.found[i] = l.fs.resolve(t.abs)
		}
	}
}

// startLook begins a look. The caller must have locked s.mu.
func (s *Source) startLook(now time.Time) {
	l := &look{
		seq: s.events.seq, at: now, poll: !now.Before(s.pollAt),
		fs: s.fs.once(), before: s.dirs, paths: slices.Clone(s.list), found: make([]*location, len(s.list)),
	}
	l.fs.lstat, l.fs.readlink, l.fs.readDir = guarded(s, l, s.fs.lstat), guarded(s, l, s.fs.readlink), guarded(s, l, s.fs.readDir)
	if w, dirs := s.watch, s.toWatch; w != nil {
		l.arm = guarded(s, l, func(string) ([]string, error) { return w.arm(dirs) })
	}
	keep := s.keep(now)
	for _, p := range s.patterns {
		l.patterns = append(l.patterns, *p)
		l.keepPattern = append(l.keepPattern, keep.pattern(p))
	}
	for _, t := range s.list {
		l.keepPath = append(l.keepPath, keep.path(t))
	}
	s.look, s.askedAt, s.relist, s.doubt = l, time.Time{}, false, false
	over := make(chan struct{})
	go func() {
		defer close(over)
		if slices.Contains(l.keepPath, false) && len(l.paths) > filesPerPoll {
			defer coop.Start()()
		}
		l.run()
	}()
	go s.finish(l, over)
}

// finish waits for the end of a look and applies its results. If a call does not return, finish
// abandons the look.
func (s *Source) finish(l *look, over <-chan struct{}) {
	calls := func() int {
		s.mu.Lock()
		defer s.mu.Unlock()
		return l.n
	}
	for !s.returns(over, statTimeout, calls) && !s.ended() {
		s.mu.Lock()
		if l.abandoned = l.call != ""; l.abandoned {
			s.noAnswer[l.call] = true
			s.look, s.relist, s.doubt = nil, true, true
			s.lookAt(s.clock.Now()) // without the call that does not return
			s.kick()
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.look = nil
	if now := s.clock.Now(); !s.ended() {
		s.takeEvents(now)
		s.apply(l, now)
	}
	s.kick()
}

// apply updates the Source with the results of a look.
func (s *Source) apply(l *look, now time.Time) {
	if l.watchErr != nil {
		s.noEvents(l.watchErr)
	}
	for _, dir := range l.fresh {
		s.events.doubt(dir) // earlier events were about another directory
	}
	for i, p := range s.patterns {
		x := l.patterns[i].last
		p.kind = l.patterns[i].kind
		if !l.keepPattern[i] {
			p.listedAt = l.at
		}
		if x != p.last {
			p.last, s.stale, s.unnoticed = x, true, true
		}
		// Only polls decide that a directory is empty, so that the files that are missing
		// in the directory are reported first.
		if x.state == Ready || x.state != 0 && (l.poll || !s.started) {
			p.settler.observe(observation{version: version{state: x.state, err: x.err}, at: l.at, whole: x.state == Ready || x.state == Pending || !s.started})
		}
	}
	if s.stale {
		s.updateOrders()
	}
	s.dirs = l.fs.dirs
	for i, t := range l.paths {
		if l.found[i] != nil {
			s.compare(t, l.found[i], l.seq, l.at)
		}
	}
	again := s.stale && s.updateInterest()
	s.stale = false
	s.events.prune(s.pruned, s.interest)
	s.pruned = l.seq
	took := now.Sub(l.at)
	// Looks after events may use a tenth of the CPU, so that a storm of events slows nothing down.
	s.nextEventLook = now.Add(min(9*took, s.poll))
	s.pollAt = now.Add(max(s.poll-took, took))
	if again {
		s.askedAt = now
		return
	}
	s.started, s.lastLook = true, s.clock.Now()
}

// updateInterest updates the directories to be watched, and the names whose events cause a look.
// It reports whether a path or directory is new, so that another look is needed at once.
func (s *Source) updateInterest() (again bool) {
	s.interest = map[string]bool{}
	want := map[string]bool{}
	add := func(points []string) {
		for _, at := range points {
			s.interest[at] = true
			want[filepath.Dir(at)] = true
		}
	}
	for _, p := range s.patterns {
		add(p.last.points)
		for _, dir := range p.last.dirs {
			want[s.dirs[dir].end] = true
		}
	}
	for _, t := range s.list {
		if t.loc == nil {
			again = true
			continue
		}
		add(t.loc.points())
	}
	if dirs := slices.Sorted(maps.Keys(want)); !slices.Equal(dirs, s.toWatch) {
		s.toWatch, again = dirs, true
	}
	return again
}

// takeEvents reads the events of the kernel and asks for a look if one of them matters.
func (s *Source) takeEvents(now time.Time) {
	if s.watch == nil {
		return
	}
	for _, e := range s.watch.take() {
		switch {
		case e.lost:
			s.events.doubt("")
			s.relist, s.doubt = true, true
			s.lookSoon(now)
		case e.self:
			s.events.doubt(e.name)
			s.relist, s.doubt = true, true
			s.lookSoon(now.Add(debounce))
		default:
			watched := s.interest[e.name]
			s.events.note(e.name, e.how, watched)
			s.relist = s.relist || e.list
			if watched || e.list {
				s.lookSoon(now.Add(debounce))
			}
		}
	}
}

// noEvents gives notice, once, that there are no kernel events for some files.
func (s *Source) noEvents(err error) {
	if !s.noEventsNoticed {
		s.noEventsNoticed = true
		s.notice(fmt.Errorf("no kernel events for some files, changes are found by polling alone: %w", err))
	}
}
