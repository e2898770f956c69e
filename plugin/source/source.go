// Package source notices changed files and hands over exact bytes. It knows nothing about
// their content.
//
// A Source watches files, directories and globs, by kernel events and by polling. It
// reports a file once its bytes are complete (settle.go explains when) and gives them as
// a stream that ends in an error when they are not the reported ones. A file may depend
// on others, its side lists; they are watched with it and reported as a change of it.
//
// One loop decides what is due, in the goroutine that calls Scan or Run:
//
//   - An event (watch_linux.go, marks.go) or a poll starts a look (look.go), which calls
//     stat once for each path (resolve.go, pattern.go).
//   - A file that may have changed (track.go) is hashed by a worker (hash.go).
//   - The state machine of the file (settle.go) decides when the version is complete.
//   - A report (group.go) has each changed order file with its side lists.
//
// Looks, the worker and streams call the file system in goroutines of their own, and hold
// no lock while they wait (wait.go). When a call does not return, its goroutine is left
// behind, the file is reported as Pending, and the other files go on.
package source

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/dns-orders/blocklist/plugin/coop"
)

// DefaultPoll is the time between two polls.
const DefaultPoll = time.Second

// minPoll keeps a slip of the pen from keeping a CPU busy.
const minPoll = 10 * time.Millisecond

// Config says what is to be watched.
type Config struct {
	// Patterns are files, directories and globs; at least one. A name with an order
	// file's ending, and a name where a file is first found, is a file, whatever its
	// ending. A name where a directory is first found, and one with a slash at its end,
	// is a directory: its files with one of the endings .yaml .yml .json .jsonl, in any
	// case of letters, without hidden ones and sub-folders. Another name with * ? or [ in
	// it is a glob; it takes no directories, hidden names only where it has a dot of its
	// own, and files of other endings only when it spells the ending out.
	Patterns []string
	// Files are watched too, after the patterns' files; each is a file, whatever its
	// name. Protect lists are such files.
	Files []string
	// Poll is the time between two polls, 10 ms at least; 0 is DefaultPoll.
	Poll time.Duration
	// NoEvents leaves the kernel's events out.
	NoEvents bool
	// MaxBytes returns the largest size in bytes that may be read of a file. side is true
	// for side lists and for Files. A larger file is Unreadable and is not opened. When
	// MaxBytes is nil or returns 0 there is no limit.
	MaxBytes func(path string, side bool) int64
	// Notice is called, in any goroutine, with what the operator should know and what
	// changes no state: that kernel events cannot be had, that a file in a directory is
	// ignored, and that a last line has no end; once each. It may be nil. It must return
	// and not call the Source.
	Notice func(error)
	// Due is called in the goroutine of Run before Run waits, so that the caller needs no
	// goroutine for a timer of its own. Due returns the time of the next call, or a zero time
	// for no particular time. Run may call Due earlier, and while files are loaded later. It
	// may be nil.
	Due func() time.Time
	// Clock is the time; nil is the real one.
	Clock Clock
}

// Source watches a set of files. Its methods may be called from any goroutine, Scan and
// Run by one at a time.
type Source struct {
	clock     Clock
	poll      time.Duration
	fs        files
	notice    func(error)
	maxBytes  func(string, bool) int64
	due       func() time.Time
	newWatch  func(kick func()) (*watcher, error)
	wake      chan struct{} // something to do; holds one
	stop      chan struct{} // closed by Close
	lists     int           // the patterns from this one on are Config.Files
	calls     calls
	firstWait time.Duration // how long OpenSide waits for a new list; real time
	ticks     func() (<-chan time.Time, func())
	rest      rest

	mu         sync.Mutex // guards what follows; never held while waiting
	closed     bool
	started    bool // the first look is done
	watch      *watcher
	complained bool // about missing events
	marks      marks
	pruned     uint64 // marks.seq at the last look
	patterns   []*pattern
	orders     []*order          // as reported: by pattern, then bytewise
	byPath     map[string]*order // the same, by absolute path
	tracks     map[string]*track // by absolute path
	list       []*track          // the same
	stale      bool              // paths or places changed: interest and dirs are old
	interest   map[string]bool   // entries whose events cause a look
	dirs       []string          // to be watched

	look     *look     // in progress
	pollAt   time.Time // the next look
	askAt    time.Time // a look that something asked for; zero: none
	free     time.Time // no look for an event's sake before
	lastLook time.Time
	wanted   map[*track]bool // to be hashed
	queue    []*track        // wanted, by what is left of the files; nil when there are new ones
	working  bool            // work runs

	dirty     map[*order]bool    // may have something to report
	heldAt    time.Time          // since when a report is held back; real time
	ignored   map[string]ignored // by absolute path; nil before the first notice
	unnoticed bool               // there may be ignored files without a notice
}

// New prepares a Source; it reads nothing yet. It fails on an empty pattern and on one
// that filepath.Match does not understand.
func New(cfg Config) (*Source, error) {
	s := &Source{
		clock: cfg.Clock, poll: cfg.Poll, notice: cfg.Notice, maxBytes: cfg.MaxBytes, due: cfg.Due, fs: osFiles(),
		wake: make(chan struct{}, 1), stop: make(chan struct{}), firstWait: time.Second, ticks: realTicks,
		marks: marks{by: map[string]*mark{}}, tracks: map[string]*track{}, byPath: map[string]*order{},
		wanted: map[*track]bool{}, dirty: map[*order]bool{},
		calls: calls{out: map[string]bool{}}, lists: len(cfg.Patterns),
	}
	if s.clock == nil {
		s.clock = wallClock{}
	}
	if s.poll == 0 {
		s.poll = DefaultPoll
	}
	s.poll = max(s.poll, minPoll)
	if s.notice == nil {
		s.notice = func(error) {}
	}
	if s.due == nil {
		s.due = func() time.Time { return time.Time{} }
	}
	if !cfg.NoEvents {
		s.newWatch = openWatcher
	}
	for _, text := range cfg.Patterns {
		p, err := newPattern(text)
		if err != nil {
			return nil, fmt.Errorf("order files: %w", err)
		}
		s.patterns = append(s.patterns, p)
	}
	for _, path := range cfg.Files {
		p, err := newPattern(path)
		if err != nil {
			return nil, err
		}
		p.kind = plainFile
		s.patterns = append(s.patterns, p)
	}
	if len(s.patterns) == 0 {
		return nil, fmt.Errorf("order files: none given")
	}
	return s, nil
}

// Scan looks at everything now and returns what is new or changed since the last report,
// the first time everything. It waits for files that are being written, wait at most, and
// reports them as Pending then; when no file is being written it waits for nothing. Scan
// is for the start, before Run: call it, load, and call it again when a load met
// ErrPending or ErrChanged.
func (s *Source) Scan(ctx context.Context, wait time.Duration) []File {
	deadline := s.clock.Now().Add(wait)
	s.mu.Lock()
	s.settleAt(s.clock.Now())
	s.mu.Unlock()
	for {
		s.mu.Lock()
		next, busy := s.turn()
		now := s.clock.Now()
		late := !now.Before(deadline)
		work := busy
		if late { // only for what takes no time worth mentioning
			work = s.look != nil || s.hashing()
		}
		if s.closed || ctx.Err() != nil || !work && now.Before(next) && (late || !slices.ContainsFunc(s.list, (*track).restless)) {
			out, _ := s.report(now, true)
			s.mu.Unlock()
			return out
		}
		s.mu.Unlock()
		switch {
		case busy: // the time of the files stands still meanwhile
			next = time.Time{}
		case deadline.Before(next) && now.Before(deadline):
			next = deadline
		}
		s.pause(ctx, next, busy)
	}
}

// Run reports changes to fn until ctx ends or Close is called, and then closes the Source:
// no inotify instance is left, and no goroutine that does not wait for the file system.
// fn runs in Run's goroutine; while it runs changes gather, and the last state of each
// file is what the next call gets. Run returns ctx.Err(), or nil after Close.
func (s *Source) Run(ctx context.Context, fn func([]File)) error {
	defer s.Close()
	off := coop.Start()
	defer func() { off() }()
	for {
		select {
		case <-s.stop:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		default:
		}
		s.mu.Lock()
		next, busy := s.turn()
		out, patience := s.ready(s.clock.Now())
		s.mu.Unlock()
		switch {
		case len(out) > 0:
			fn(out)
		default:
			if !patience.IsZero() && patience.Before(next) {
				next = patience
			}
			if at := s.due(); !at.IsZero() && at.Before(next) {
				next = at
			}
			off()
			s.pause(ctx, next, busy)
			off = coop.Start()
		}
	}
}

// ready returns what is to be reported now. What is ready is held back for a moment while
// small files wait to be hashed, so that files that change together are one load.
func (s *Source) ready(now time.Time) (out []File, patience time.Time) {
	if s.closed {
		return nil, time.Time{}
	}
	if !s.hashing() {
		s.heldAt = time.Time{}
	} else if s.heldAt.IsZero() {
		s.heldAt = time.Now()
	}
	if !s.heldAt.IsZero() && time.Since(s.heldAt) < hold {
		return nil, time.Time{}
	}
	s.heldAt = time.Time{}
	if out, patience = s.report(now, false); len(out) == 0 {
		s.notices(now)
	}
	return out, patience
}

// LastLook returns when the files were last looked at to the end.
func (s *Source) LastLook() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lastLook
}

// Close ends Run (which returns soon after; wait for that yourself) and frees what the
// Source holds. Streams that are open end in ErrClosed. Close may be called from
// anywhere, more than once, and does not wait for the file system.
func (s *Source) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	close(s.stop)
	for _, t := range s.list {
		s.drop(t)
	}
	if s.watch != nil {
		s.watch.close()
		s.watch = nil
	}
	return nil
}

// pause waits for something to do, until next at most; zero is no limit. Work in progress
// is looked at again after a tick.
func (s *Source) pause(ctx context.Context, next time.Time, work bool) {
	var after, again <-chan time.Time
	if !next.IsZero() {
		var release func()
		after, release = s.clock.After(next.Sub(s.clock.Now()))
		defer release()
	}
	if work {
		t := time.NewTimer(tick)
		defer t.Stop()
		again = t.C
	}
	s.rest.pause(next, work) // the clock knows the time by now
	select {
	case <-ctx.Done():
	case <-s.stop:
	case <-after:
	case <-again:
	case <-s.wake:
	}
}

func (s *Source) kick() {
	s.rest.kicks.Add(1)
	select {
	case s.wake <- struct{}{}:
	default: // one is waiting, and one is enough
	}
}

// ask wants a look at a time, for something that happened. A storm of events may take a
// tenth of the CPU for looks, not more.
func (s *Source) ask(at time.Time) {
	if at.Before(s.free) {
		at = s.free
	}
	s.settleAt(at)
}

// settleAt wants a look at a time; zero is none.
func (s *Source) settleAt(at time.Time) {
	if !at.IsZero() && (s.askAt.IsZero() || at.Before(s.askAt)) {
		s.askAt = at
	}
}

// turn does what is due. busy says that a look or the worker is in progress, next when
// something else will be due.
func (s *Source) turn() (next time.Time, busy bool) {
	s.rest.turn()
	now := s.clock.Now()
	if s.closed {
		return now, false
	}
	if s.watch == nil && s.newWatch != nil {
		w, err := s.newWatch(s.kick)
		s.newWatch = nil
		if s.watch = w; err != nil {
			s.watch = nil
			s.complain(err)
		}
	}
	s.events(now)
	next = s.pollAt
	if !s.askAt.IsZero() && s.askAt.Before(next) {
		next = s.askAt
	}
	if s.look == nil && !now.Before(next) {
		s.startLook(now)
	}
	if len(s.wanted) > 0 && !s.working {
		s.working = true
		go s.work()
	}
	if s.look != nil {
		return now.Add(s.poll), true
	}
	return next, s.working
}
