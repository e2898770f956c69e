// Package store keeps one set of orders in force. A Store loads order files, checks each new
// version, and replaces the set. If a file has errors, its last good version stays in force, with
// an alarm.
//
// A new version passes these steps:
//   - load.go parses the changed files and replaces the set.
//   - protect.go loads protect lists.
//   - replace.go checks the serial and max_shrink.
//   - clash.go refuses an order id that two files contain.
//   - admit.go puts new versions into force.
//   - panic.go restores the old set after a panic.
//
// Other files have these tasks:
//   - registry.go shares a Store between server blocks.
//   - inherit.go hands the versions in force to the Store of a new Corefile.
//   - precheck.go checks the files of a new Corefile.
//   - stopped.go finds orders that a new Corefile stops.
//   - statedir.go, persist.go, recall.go and parts.go keep versions in the state directory.
//   - request.go carries out requests of blocklistctl.
//   - journal.go and journal_*.go write and read the journal.
//   - loadlog.go, times.go, problems.go, sentence.go and queue.go write the log.
//   - subscribe.go reports each new set to other parts of the process.
//   - status.go has the state for metrics and readiness.
//   - giveback.go returns memory to the operating system.
package store

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dns-orders/blocklist/plugin/coop"
	"github.com/dns-orders/blocklist/plugin/guard"
	"github.com/dns-orders/blocklist/plugin/hits"
	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/signature"
	"github.com/dns-orders/blocklist/plugin/source"
	"github.com/dns-orders/blocklist/plugin/state"
)

// A Log is the log of the server. A Store never logs client addresses. It never logs ids or names
// of sealed (secret) orders.
type Log interface {
	Infof(format string, args ...any)
	Warningf(format string, args ...any)
	Errorf(format string, args ...any)
}

// A Clock returns the time. Tests use a fake Clock.
type Clock = source.Clock

// A start waits at most this long for files that are being written.
const startPatience = 5 * time.Second

// A Store keeps a set of orders in force, and updates the set when its files change. Its methods
// are safe for concurrent use.
type Store struct {
	opt   Options
	log   *queue
	clock Clock
	src   *source.Source
	set   atomic.Pointer[ruleset.Set]

	subscribers subscribers

	status   atomic.Pointer[Status]
	handover atomic.Pointer[handover] // the versions in force, for a Store that replaces this Store

	// Only the goroutine that loads files may use the fields below.

	paths         []string // the keys of files; in the order of the configuration if sorted is true
	sorted        bool
	files         map[string]*file
	isProtectList map[string]bool // the paths in Options.Protect
	former        map[string]version
	rules         ruleset.Options // Options.Rules with the guard in force
	activated     []activation    // the versions that the current batch of files puts into force
	unreadable    []source.File   // the files of the current batch that can no longer be read
	previous      *ruleset.Set
	before        []Status
	setError      error          // why the last load could not build a set, or nil
	dir           *stateDir      // nil without a state directory
	recalled      bool           // the versions and serials of dir have been taken over
	kept          int64          // the number of bytes of files that are kept until they are stored
	journal       *sharedJournal // nil without a journal
	unread        map[string]state.Version
	requests      []taken // the requests of blocklistctl that the next load carries out
	warnings      order.Problems
	unlogged      bool // the changes of the set in force are not logged yet
	logged        logState
	times         timeLog
	touched       int // the number of targets parsed or replaced since the last giveBack

	unjournaled    bool           // the changes of the set in force are not in the journal yet
	journaled      map[string]int // the failures of each file that are in the journal
	journaledPaths map[string]bool
	nextBeat       time.Time    // the time of the next heartbeat of the journal
	started        bool         // all files were loaded for the first time
	notified       *ruleset.Set // the set that the subscribers know
	asked          bool         // the journal will report the floors; see askFloors
	// A person has set these serials. A serial from the journal must not replace them.
	permitted map[string]int64

	sides sync.Map // the paths of all side lists that order files have named

	floors atomic.Pointer[map[string]journal.Floor] // the floors that the journal has reported

	// The field answered is nil without a journal.
	answered   atomic.Pointer[sync.Map]
	countersMu sync.Mutex
	counters   []*hits.Counter
	rejournal  atomic.Bool

	testers   atomic.Int32
	testedSet atomic.Pointer[ruleset.Set]

	panics sync.Map // the panic texts whose stacks were logged

	cancel  context.CancelFunc
	done    sync.WaitGroup
	closing atomic.Bool // the Store closes, so a load in progress must stop
}

type file struct {
	version // the version in force; empty for a directory or glob
	err     error
	refused source.Digest
	waiting *candidate
	gone    bool // the path has no file any more
	// The source has never reported this file.
	unseen     bool
	pattern    bool // the path is a directory or glob
	failures   int
	unsigned   source.Digest
	unsignedAt time.Time
}

// Open starts a Store outside of the registry. It returns when the orders are in force. If no file
// is good, the error has all problems. A nil clock means real time.
func Open(opt Options, log Log, clock Clock) (*Store, error) {
	return open(opt, log, clock, nil)
}

func open(opt Options, log Log, clock Clock, others []*Store) (*Store, error) {
	defer coop.Start()() // yield to the queries of other Stores
	s, early, err := begin(opt, log, clock, others)
	if err != nil {
		return nil, err
	}
	s.log.flush(flushPatience)
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	s.done.Go(func() {
		if early {
			off := coop.Start()
			_ = s.start(ctx) // the recalled versions are in force, whatever the files are
			off()
		}
		s.src.Run(ctx, func(reports []source.File) {
			s.load(reports)
			s.next() // call next here, because Run does not call it if another batch is ready
		})
	})
	return s, nil
}

func prepare(opt Options, log Log, clock Clock, others []*Store) (*Store, error) {
	s, early, err := begin(opt, log, clock, others)
	if early {
		err = s.start(context.Background())
	}
	return s, err
}

// If the second result is true, the caller must call the method start.
func begin(opt Options, log Log, clock Clock, others []*Store) (_ *Store, early bool, _ error) {
	if clock == nil {
		clock = source.WallClock
	}
	s := &Store{
		opt: opt, log: newQueue(log), clock: clock, files: map[string]*file{}, isProtectList: map[string]bool{}, former: map[string]version{}, unread: map[string]state.Version{}, permitted: map[string]int64{},
		cancel: func() {}, rules: opt.Rules, times: timeLog{expired: map[string]order.Time{}},
	}
	for _, path := range opt.Protect {
		s.isProtectList[path] = true
	}
	s.rules.Guard = guard.New()
	s.status.Store(&Status{})
	var err error
	s.src, err = source.New(source.Config{
		Patterns: opt.Patterns, Files: opt.Protect, Poll: opt.Poll, Clock: clock, MaxBytes: s.maxBytes, Due: s.next,
		Notice: func(err error) { s.log.Warningf("%v", err) },
	})
	if err != nil {
		return nil, false, err
	}
	if opt.State != "" {
		s.dir = acquireStateDir(opt.State, log, clock)
	}
	if opt.Journal != "" {
		s.journal = acquireJournal(s, log, clock)
	}
	s.inherit(others)
	now, inherited := clock.Now(), len(s.files) > 0
	recalled := s.recall()
	if s.journal != nil {
		s.askFloors() // before the journal has records of this start
	}
	if early = recalled && !inherited && s.complete(); early {
		s.summarize(now)
		s.publish()
		s.journalLoad(nil)
	} else if err := s.start(context.Background()); err != nil {
		if s.journal != nil {
			s.journal.release(s)
		}
		if s.dir != nil {
			s.dir.release(s)
		}
		s.log.flush(flushPatience) // the caller may end the process soon
		return nil, false, errors.Join(err, s.src.Close())
	}
	if s.dir != nil {
		s.dir.join(s)
	}
	return s, early, nil
}

func (s *Store) maxBytes(path string, side bool) int64 {
	switch {
	case s.isProtectList[path]:
		return order.MaxProtect
	case side && s.opt.Verify.Demanded() && strings.HasSuffix(path, ".minisig"):
		return signature.MaxBytes
	}
	return order.MaxBytes(path, side)
}

func (s *Store) start(ctx context.Context) error {
	deadline := s.clock.Now().Add(startPatience)
	for first := true; ; first = false {
		now := s.clock.Now()
		reports := s.src.Scan(ctx, max(0, deadline.Sub(now)))
		if s.closing.Load() {
			return nil // the reports are not complete
		}
		if first {
			s.markMissing(reports)
		}
		s.load(reports)
		// If a file changed during the read, Scan reports the file again.
		if !s.anyBeingWritten() || !s.clock.Now().Before(deadline) {
			break
		}
	}
	s.journalStarted()
	var all []string
	good := false
	for _, path := range s.paths {
		f := s.files[path]
		good = good || f.part != nil
		if f.err != nil {
			all = append(all, s.publicText(path, f.err))
		}
	}
	if s.setError != nil {
		all = append(all, printable.Line(s.setError.Error()))
	}
	if !good || s.set.Load() == nil {
		return noGoodFile(all)
	}
	s.previous = s.set.Load()
	return nil
}

func (s *Store) anyBeingWritten() bool {
	for _, f := range s.files {
		if errors.Is(f.err, source.ErrChanged) || errors.Is(f.err, source.ErrPending) {
			return true
		}
	}
	return false
}

// Set returns the set of orders in force. It takes no lock.
func (s *Store) Set() *ruleset.Set { return s.set.Load() }

// SideLists returns the paths of all side lists that were named since the start. Lists of refused
// order files count too.
func (s *Store) SideLists() (paths []string) {
	for path := range s.sides.Range {
		paths = append(paths, path.(string))
	}
	slices.Sort(paths)
	return paths
}

// Idle reports whether the Store has no work in progress. Tests use Idle.
func (s *Store) Idle() bool {
	return s.src.Idle() && s.log.lines.Empty() && s.tested() && (s.journal == nil || s.journal.Idle() && s.journal.log.lines.Empty())
}

// Now returns the time of the Store's clock.
func (s *Store) Now() time.Time { return s.clock.Now() }

// Shadow reports whether the Store is in shadow. A Store in shadow blocks nothing.
func (s *Store) Shadow() bool { return s.opt.Shadow }

var closePatience = 5 * time.Second

// Close ends the Store. Queries can still use its set. Close waits only some seconds, because a
// file system may be dead.
func (s *Store) Close() {
	again := s.closing.Swap(true)
	s.cancel()
	ended := make(chan struct{})
	go func() {
		s.src.Close()
		s.done.Wait()
		close(ended)
	}()
	// The timer uses real time, because the clock of a test may stand still.
	timer := time.NewTimer(closePatience)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
		s.log.Warningf("a load did not end within %v after the order files were closed; the server goes on without waiting for the load", closePatience)
	}
	if s.journal != nil && !again {
		s.journal.release(s)
	}
	if s.dir != nil && !again {
		s.dir.release(s)
	}
	s.log.flush(flushPatience)
}

func seconds(t time.Time) order.Time { return order.Time(t.Unix()) }
