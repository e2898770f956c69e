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

var errNoAnswer error = noAnswer("the file system does not answer")

type noAnswer string

func (e noAnswer) Error() string        { return string(e) }
func (e noAnswer) Is(target error) bool { return target == ErrPending }

type look struct {
	fs     files                          // each call is wrapped by guarded
	arm    func(string) ([]string, error) // watches directories; nil without kernel events
	seq    uint64                         // the number of the last kernel event before the scan
	at     time.Time
	poll   bool                 // true if a poll caused the look, false if an event did
	before map[string]*location // where the directories led at the last look

	patterns    []pattern // copies of Source.patterns
	keepPattern []bool    // the last list of files is reused unless a directory leads elsewhere now
	paths       []*tracked
	keepPath    []bool      // the last location is reused unless the directory leads elsewhere now
	found       []*location // where each path leads; nil if the last location is reused

	fresh    []string // directories that are watched since this look
	watchErr error

	// Source.mu guards the fields below.
	call      string // the path of the current call; "" between calls
	n         int    // the number of calls so far
	abandoned bool
}

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

// Start the watch before the scan. A change before the watch causes no event.
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

// The caller must hold s.mu.
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
			s.lookAt(s.clock.Now()) // the next scan leaves out the path of the blocked call
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

func (s *Source) apply(l *look, now time.Time) {
	if l.watchErr != nil {
		s.noEvents(l.watchErr)
	}
	for _, dir := range l.fresh {
		s.events.doubt(dir) // earlier events were about another directory at this path
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
	// Many events must not slow down the server. So scans after events use at most a tenth of the
	// time.
	s.nextEventLook = now.Add(min(9*took, s.poll))
	s.pollAt = now.Add(max(s.poll-took, took))
	if again {
		s.askedAt = now
		return
	}
	s.started, s.lastLook = true, s.clock.Clock.Now()
}

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

// noEvents logs once that the kernel reports no events.
func (s *Source) noEvents(err error) {
	if !s.noEventsNoticed {
		s.noEventsNoticed = true
		s.notice(fmt.Errorf("no kernel events for some files, changes are found by polling alone: %w", err))
	}
}
