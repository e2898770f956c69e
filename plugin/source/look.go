package source

import (
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/dns-orders/blocklist/plugin/coop"
)

// A look asks the file system once about every pattern and every path. It runs in a
// goroutine of its own, because a stat on a dead mount may never return. Such a look is
// left behind: the path of its last call goes on a list, and the next looks get errHangs
// for this path without a call, until the call returns.

// errHangs means that the file system does not answer. The file is Pending: nothing is
// known about it.
var errHangs error = hangs("the file system does not answer")

// hangs is an error that counts as ErrPending.
type hangs string

func (h hangs) Error() string        { return string(h) }
func (h hangs) Is(target error) bool { return target == ErrPending }

// look is one look in progress.
type look struct {
	fs       files // the calls of this look
	patterns []pattern
	tracks   []*track // only abs, which does not change, may be read without the lock
	places   []*place // of the tracks, as they were and then as they are
	dirs     []string // to be watched
	watch    *watcher
	seq      uint64 // of the last event before the look
	at       time.Time
	poll     bool              // the look is a poll
	known    map[string]*place // of directories
	fresh    []string          // directories whose watch is new
	watchErr error

	calls *calls
	call  string // the path that is being asked about; "" between calls
	n     int    // calls so far
	left  bool   // this look is not waited for any more
}

// calls are the paths of calls that have not returned. The lock guards the calls of the
// looks as well.
type calls struct {
	sync.Mutex
	out map[string]bool
}

// do runs one call of the file system about path.
func (l *look) do(path string, call func() error) error {
	l.calls.Lock()
	if l.calls.out[path] {
		l.calls.Unlock()
		return errHangs
	}
	l.call = path
	l.n++
	n := l.n
	l.calls.Unlock()
	if n%64 == 0 {
		coop.Yield()
	}
	err := call()
	l.calls.Lock()
	defer l.calls.Unlock()
	l.call = ""
	if l.left {
		delete(l.calls.out, path)
		runtime.Goexit()
	}
	return err
}

// progress returns how many calls there were.
func (l *look) progress() int {
	l.calls.Lock()
	defer l.calls.Unlock()
	return l.n
}

// leave gives the look up, unless it is between two calls, and reports whether it did.
func (l *look) leave() bool {
	l.calls.Lock()
	defer l.calls.Unlock()
	if l.call != "" {
		l.left = true
		l.calls.out[l.call] = true
	}
	return l.left
}

// guarded returns call as a call that the look can be left in.
func guarded[T any](l *look, call func(string) (T, error)) func(string) (T, error) {
	return func(path string) (out T, err error) {
		err = l.do(path, func() error { out, err = call(path); return err })
		return out, err
	}
}

// run does the look. Watches are made first, so that no change falls between an event
// and a stat.
func (l *look) run() {
	defer coop.Start()()
	if l.watch != nil {
		_ = l.do("inotify", func() error { l.fresh, l.watchErr = l.watch.arm(l.dirs); return nil })
	}
	for i := range l.patterns {
		p := &l.patterns[i]
		p.last = p.expand(&l.fs, p.last)
	}
	for i, t := range l.tracks {
		p := l.fs.resolve(t.abs, l.known)
		if old := l.places[i]; old == nil || p.err != nil || p.stat != old.stat || p.end != old.end || !slices.Equal(p.links, old.links) {
			l.places[i] = p
		}
	}
}

// startLook begins a look. The caller holds the lock.
func (s *Source) startLook(now time.Time) {
	l := &look{
		dirs: s.dirs, watch: s.watch, seq: s.marks.seq, at: now, poll: !now.Before(s.pollAt), calls: &s.calls,
		known:  map[string]*place{},
		tracks: slices.Clone(s.list), places: make([]*place, len(s.list)),
	}
	l.fs = files{lstat: guarded(l, s.fs.lstat), readlink: guarded(l, s.fs.readlink), readDir: guarded(l, s.fs.readDir), glob: guarded(l, s.fs.glob)}
	for _, p := range s.patterns {
		l.patterns = append(l.patterns, *p)
	}
	for i, t := range s.list {
		l.places[i] = t.place
	}
	s.look, s.askAt = l, time.Time{}
	over := make(chan struct{})
	go func() { defer close(over); l.run() }()
	go func() {
		for !s.returns(over, statStall, l.progress) && !s.ended() && !l.leave() {
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.look = nil
		if now := s.clock.Now(); !l.left && !s.closed {
			s.events(now)
			s.apply(l, now)
		} else {
			s.settleAt(now) // without the call that does not return
		}
		s.kick()
	}()
}

// apply takes in what a look has found.
func (s *Source) apply(l *look, now time.Time) {
	if l.watchErr != nil {
		s.complain(l.watchErr)
	}
	for _, dir := range l.fresh {
		s.marks.doubt(dir) // events of the directory that was here before mean nothing now
	}
	for i, p := range s.patterns {
		x := l.patterns[i].last
		p.kind = l.patterns[i].kind
		if x != p.last {
			p.last, s.stale, s.unnoticed = x, true, true
		}
		// A directory that became empty is judged at polls only, so that the files that
		// are missing in it are reported first.
		if x.state == Ready || x.state != 0 && (l.poll || !s.started) {
			p.set.see(sight{version: version{state: x.state, err: x.err}, at: l.at, whole: x.state == Ready || x.state == Pending || !s.started})
		}
	}
	if s.stale {
		s.reorder()
	}
	for i, t := range l.tracks {
		s.see(t, l.places[i], l.seq, l.at)
	}
	again := s.stale && s.rewatch()
	s.stale = false
	s.marks.prune(s.pruned, s.interest)
	s.pruned = l.seq
	took := now.Sub(l.at)
	// Looks for the sake of events may take a tenth of the CPU, not more.
	s.free = now.Add(min(9*took, s.poll))
	s.pollAt = now.Add(max(s.poll-took, took))
	if again {
		s.askAt = now
		return
	}
	s.started, s.lastLook = true, s.clock.Now()
}

// rewatch brings the names and directories that matter up to date. It reports whether a
// path or directory is new, so that another look is needed at once.
func (s *Source) rewatch() (again bool) {
	s.interest = map[string]bool{}
	want := map[string]bool{}
	points := func(ps []string) {
		for _, at := range ps {
			s.interest[at] = true
			want[filepath.Dir(at)] = true
		}
	}
	for _, p := range s.patterns {
		points(p.last.points)
		for _, dir := range p.last.dirs {
			want[dir] = true
		}
	}
	for _, t := range s.list {
		if t.place == nil {
			again = true
			continue
		}
		points(t.place.points())
	}
	dirs := make([]string, 0, len(want))
	for dir := range want {
		dirs = append(dirs, dir)
	}
	slices.Sort(dirs)
	if !slices.Equal(dirs, s.dirs) {
		s.dirs, again = dirs, true
	}
	return again
}

// events takes in the kernel's events.
func (s *Source) events(now time.Time) {
	if s.watch == nil {
		return
	}
	for _, e := range s.watch.take() {
		switch {
		case e.lost:
			s.marks.doubt("")
			s.ask(now)
		case e.self:
			s.marks.doubt(e.name)
			s.ask(now.Add(debounce))
		default:
			matters := s.interest[e.name]
			if e.how != unknown {
				s.marks.note(e.name, e.how, matters)
			}
			if matters || e.gone || e.how == created || e.how == renamed {
				s.ask(now.Add(debounce))
			}
		}
	}
}

// complain says once that kernel events cannot be had.
func (s *Source) complain(err error) {
	if !s.complained {
		s.complained = true
		s.notice(fmt.Errorf("no kernel events for some files, changes are found by polling alone: %w", err))
	}
}
