// Package source notices changed files and returns their exact bytes. It does not interpret the
// bytes.
//
// A Source watches files, directories and globs by kernel events and by polling. It reports a file
// when the bytes of the file are complete (settle.go has the rules). The reported bytes are read
// as a stream, which ends in an error if they are not the reported bytes. An order file may depend
// on other files, its side lists. The Source watches them too, and reports a change of a side list
// as a change of the order file.
//
// One loop, in the goroutine that calls Scan or Run, decides what is due:
//
//   - After an event (watch_linux.go, events.go) or at a poll, a look (look.go) expands the patterns
//     (pattern.go) and calls stat for the paths (files.go).
//   - A file that may have changed (tracked.go) is hashed by a worker (hash.go).
//   - The state machine of the file (settle.go) decides when the version is complete.
//   - A report (order.go) has the changed order files with their side lists (side.go). The caller
//     reads them as streams (file.go, reader.go).
//
// Looks, workers and streams call the file system in goroutines of their own and hold no lock while
// they wait (wait.go). If a call does not return, its goroutine is abandoned, the file is reported
// as Pending, and the other files go on. While nothing changes, a Source has two goroutines: the
// loop, and the reader of kernel events.
package source

import (
	"fmt"
	"sync"
	"time"
)

// DefaultPoll is the time between two polls.
const DefaultPoll = time.Second

// minPoll is the least time between two polls. A typing error must not keep a CPU busy.
const minPoll = 10 * time.Millisecond

// Config is the configuration of a Source.
type Config struct {
	// Patterns has at least one file, directory or glob:
	//
	//   - A name with the ending of an order file is a file. A name at which a file is first found
	//     is a file too.
	//   - A name with a slash at its end is a directory. A name at which a directory is first
	//     found is a directory too. The Source watches the files in it with one of the endings
	//     .yaml .yml .json .jsonl, in upper or lower case. It ignores hidden files and
	//     sub-folders.
	//   - Any other name with * ? or [ is a glob. A glob matches order files. It matches a hidden
	//     file only if the pattern has the dot, and a file with another ending only if the
	//     pattern has the ending.
	Patterns []string
	// Files are watched too, after the files of the patterns. Each is a file, whatever its
	// ending. Protect lists are examples.
	Files []string
	// Poll is the time between two polls, at least 10 ms; 0 is DefaultPoll.
	Poll time.Duration
	// MaxBytes returns the maximum size of a file in bytes. side is true for side lists and for
	// Files. A larger file is Unreadable and is not opened. There is no limit if MaxBytes is nil
	// or returns 0.
	MaxBytes func(path string, side bool) int64
	// Notice is called, in any goroutine, with facts that the operator should know and that
	// change no state, once each: there are no kernel events, a file in a directory is ignored,
	// or a last line has no end. Notice may be nil. It must return and must not call the Source.
	Notice func(error)
	// Due is called in the goroutine of Run before Run waits, so that the caller needs no
	// goroutine for a timer of its own. Due returns the time of the next call, or a zero time
	// for no particular time. Run may call Due earlier, and while files are loaded later. Due
	// may be nil.
	Due func() time.Time
	// Clock is the time; nil is the real time.
	Clock Clock

	noEvents bool // for tests: no kernel events
}

// Source watches a set of files. Its methods may be called from any goroutine, but only one
// goroutine at a time may call Scan or Run.
type Source struct {
	clock     Clock
	poll      time.Duration
	fs        files
	notice    func(error)
	maxBytes  func(string, bool) int64
	due       func() time.Time
	newWatch  func(kick func()) (*watcher, error) // nil after the first call, or without events
	wake      chan struct{}                       // wakes the loop
	stop      chan struct{}                       // closed by Close
	firstList int                                 // the index of the first pattern of Config.Files
	firstWait time.Duration                       // how long OpenSide waits for a new list; real time
	ticks     func() (<-chan time.Time, func())
	rest      rest

	mu      sync.Mutex // guards the fields below; never held during a call of the file system
	started bool       // the first look is over

	patterns []*pattern
	orders   []*order            // as reported: sorted by pattern, then bytewise by path
	byPath   map[string]*order   // the orders by absolute path
	tracked  map[string]*tracked // by absolute path
	list     []*tracked          // the same paths
	dirty    map[*order]bool     // may have a change to report

	watch           *watcher
	noEventsNoticed bool
	events          eventLog
	pruned          uint64               // the last event before the last look
	interest        map[string]bool      // directory entries whose events cause a look
	toWatch         []string             // the directories to be watched, by real path, sorted
	stale           bool                 // interest and toWatch have to be updated
	dirs            map[string]*location // the directories that the last look has followed

	look          *look           // in progress
	noAnswer      map[string]bool // the paths of calls of abandoned looks that have not returned
	pollAt        time.Time       // the next poll
	askedAt       time.Time       // the next look for another reason; zero if there is none
	nextEventLook time.Time       // the earliest time of a look after an event
	lastLook      time.Time
	relist        bool // an entry was added to a directory or removed
	doubt         bool // events may have been lost: the next look keeps no result

	queue  []*job  // to be hashed, sorted by the number of bytes left; may have canceled jobs
	worker *worker // hashes the queue; nil if the queue is empty

	heldSince time.Time          // the time from which a report waits for small files; real time
	ignored   map[string]ignored // by absolute path; nil before the first notice
	unnoticed bool               // there may be ignored files without a notice
}

// New prepares a Source and reads no file. It returns an error for an empty pattern and for a
// pattern with a syntax error (filepath.Match).
func New(cfg Config) (*Source, error) {
	s := &Source{
		clock: cfg.Clock, poll: cfg.Poll, notice: cfg.Notice, maxBytes: cfg.MaxBytes, due: cfg.Due, fs: osFiles(),
		wake: make(chan struct{}, 1), stop: make(chan struct{}), firstWait: time.Second, ticks: realTicks,
		events: eventLog{last: map[string]lastEvent{}}, tracked: map[string]*tracked{}, byPath: map[string]*order{},
		dirty: map[*order]bool{}, noAnswer: map[string]bool{}, firstList: len(cfg.Patterns),
	}
	if s.clock == nil {
		s.clock = WallClock
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

// LastLook returns the time at which a look last came to its end.
func (s *Source) LastLook() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lastLook
}

// Close ends Run and frees the resources of the Source. Close does not wait until Run returns, and
// does not wait for the file system. Open streams end in ErrClosed. Close may be called at any time
// and more than once.
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
