// Package source watches files and returns their exact bytes. It does not interpret the bytes.
//
// A Source watches files, directories and globs. It finds changes by kernel events and by polls.
// When a changed file is complete, the Source reports the file, and the caller reads it. The caller
// gets an error when the file changes during the reading.
//
// An order file may use names from other text files, the side lists. When a side list changes, the
// Source reports the order file.
//
// Scan and Run use the same loop. The loop has these steps:
//
//	event   watch_linux.go, events.go   the kernel reports a change, or a poll is due
//	look    look.go, pattern.go,        scans the patterns and calls stat for each path
//	        files.go
//	worker  hash.go, tracked.go         hashes each file that may have changed
//	settler settle.go                   decides whether a file is complete
//	report  order.go, side.go           contains the changed order files and side lists
//	stream  file.go, reader.go          returns the bytes to the caller
//
// Calls of the file system run outside of the loop and hold no lock (wait.go). So a call that hangs
// delays only one file. While nothing changes, a Source has two goroutines: one for the loop, and
// one for kernel events.
package source

import (
	"fmt"
	"sync"
	"time"
)

// DefaultPoll is the default time between two polls.
const DefaultPoll = time.Second

// A shorter time between two polls could keep a CPU busy.
const minPoll = 10 * time.Millisecond

// Config is the configuration of a Source.
type Config struct {
	Patterns []string
	// Files has further files to watch, for example protect lists. Any ending is allowed. Reports
	// about Files come last.
	Files []string
	// Poll is the time between two polls, at least 10 ms. Zero means DefaultPoll.
	Poll     time.Duration
	MaxBytes func(path string, side bool) int64
	// Notice receives messages for the operator's log. Notice must return soon, and must not call
	// the Source. Notice may be nil.
	Notice func(error)
	// Run calls Due before each wait. Due returns the time at which Run must call it again. Zero
	// means no such time. Due may be nil.
	Due func() time.Time
	// Clock is the source of time. nil means WallClock.
	Clock Clock

	noEvents bool // for tests: no kernel events
}

// Source watches a set of files. Its methods are safe for concurrent use. However, Scan and Run
// must not run at the same time.
type Source struct {
	clock     *steadyClock
	poll      time.Duration
	fs        files
	notice    func(error)
	maxBytes  func(string, bool) int64
	due       func() time.Time
	newWatch  func(kick func()) (*watcher, error) // nil after the first call, and if there are no events
	wake      chan struct{}                       // wakes the loop
	stop      chan struct{}                       // closed by Close
	firstList int                                 // the index of the first entry of Config.Files
	firstWait time.Duration                       // how long OpenSide waits for a new side list, in real time
	ticks     func() (<-chan time.Time, func())
	rest      rest

	mu      sync.Mutex // guards the fields below; never held during a call of the file system
	started bool       // the first scan of the file system is over

	patterns []*pattern
	orders   []*order            // sorted by pattern, then bytewise by path
	byPath   map[string]*order   // the orders by absolute path
	tracked  map[string]*tracked // by absolute path
	list     []*tracked          // the values of tracked
	dirty    map[*order]bool     // the orders that may need a report

	watch           *watcher
	noEventsNoticed bool
	events          eventLog
	pruned          uint64               // the number of the last event before the last scan
	interest        map[string]bool      // directory entries whose events cause a scan
	toWatch         []string             // the real paths of the directories to watch, sorted
	stale           bool                 // interest and toWatch must be computed again
	dirs            map[string]*location // where the directories led at the last scan

	look          *look           // the scan in progress, or nil
	noAnswer      map[string]bool // the paths of abandoned calls that have not returned
	pollAt        time.Time       // the time of the next poll
	askedAt       time.Time       // the time of the next scan that is no poll; zero if none
	nextEventLook time.Time       // the earliest time of a scan after an event
	lastLook      time.Time
	relist        bool // a directory entry was added or removed
	doubt         bool // events may have been lost, so the next scan checks each file

	queue  []*job  // files to hash, sorted by the number of bytes left; some may be canceled
	worker *worker // hashes the queue; nil if the queue is empty

	heldSince time.Time          // the start of the wait for small files, in real time
	ignored   map[string]ignored // by absolute path; nil before the first notice
	unnoticed bool               // some ignored files are not logged yet
}

// New returns a Source. It returns an error if a pattern is empty or has a syntax error.
func New(cfg Config) (*Source, error) {
	s := &Source{
		clock: &steadyClock{Clock: cfg.Clock}, poll: cfg.Poll, notice: cfg.Notice, maxBytes: cfg.MaxBytes, due: cfg.Due, fs: osFiles(),
		wake: make(chan struct{}, 1), stop: make(chan struct{}), firstWait: time.Second, ticks: realTicks,
		events: eventLog{last: map[string]lastEvent{}}, tracked: map[string]*tracked{}, byPath: map[string]*order{},
		dirty: map[*order]bool{}, noAnswer: map[string]bool{}, firstList: len(cfg.Patterns),
	}
	if cfg.Clock == nil {
		s.clock.Clock = WallClock
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
	if !cfg.noEvents {
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

// LastLook returns the time at which the last scan of the file system ended.
func (s *Source) LastLook() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lastLook
}

// Wake makes Run call Config.Due soon.
func (s *Source) Wake() { s.kick() }

// Close ends Run and frees the resources of the Source. Open streams return ErrClosed. A second
// call does nothing.
func (s *Source) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended() {
		return nil
	}
	close(s.stop)
	for _, t := range s.list {
		s.cancel(t)
	}
	if s.watch != nil {
		s.watch.close()
		s.watch = nil
	}
	return nil
}
