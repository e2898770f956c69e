// Package store keeps one set of orders in force. A Store loads order files, checks each new
// version, and swaps the set.
//
// Each file is independent: a file with errors keeps its last good version in force and causes
// an alarm, while the other files are loaded. A version passes these steps:
//
//   - load.go takes the changed files from a [source.Source], parses them, and swaps the set
//     once for the batch. protect.go does the same for protect lists.
//   - replace.go decides whether the version may replace the version in force (serial,
//     max_shrink).
//   - admit.go puts the versions of the batch into force that have no order id in common with
//     other files; clash.go finds these versions.
//   - panic.go restores the state before the batch if the set cannot be built.
//
// The other files around the load:
//
//   - registry.go shares Stores between server blocks, and inherit.go hands the versions in
//     force to the Store of a new Corefile. precheck.go checks the files of a new Corefile in
//     advance, and stopped.go reports the orders that a new Corefile stops.
//   - loadlog.go logs the result of a load in the sentences of sentence.go, problems.go logs
//     the problems of files, times.go logs orders that start and end, and queue.go keeps a
//     blocked log from blocking a load.
//   - status.go is the state for metrics and readiness, and giveback.go returns memory to the
//     operating system.
package store

import (
	"context"
	"errors"
	"github.com/dns-orders/blocklist/plugin/signature"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dns-orders/blocklist/plugin/coop"
	"github.com/dns-orders/blocklist/plugin/guard"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/source"
)

// A Log is the ordinary log of the server. A Store never logs the address of a client, nor the
// id or the names of a sealed order.
type Log interface {
	Infof(format string, args ...any)
	Warningf(format string, args ...any)
	Errorf(format string, args ...any)
}

// A Clock gives the time. Tests have a Clock of their own.
type Clock = source.Clock

// startPatience is the time that a start waits for files that are being written.
const startPatience = 5 * time.Second

// A Store keeps a set of orders in force, and keeps the set up to date with its files. Its
// methods may be called from several goroutines.
type Store struct {
	opt   Options
	log   *queue
	clock Clock
	src   *source.Source
	set   atomic.Pointer[ruleset.Set]

	status   atomic.Pointer[Status]
	handover atomic.Pointer[handover] // the versions in force, for a Store that replaces this one

	// Only the goroutine that loads uses the next fields. It is first the goroutine that calls
	// Open, and then the goroutine of Run.

	paths         []string // the keys of files, in the order of the configuration if sorted
	sorted        bool
	files         map[string]*file
	isProtectList map[string]bool // the paths of Options.Protect
	// former has the serials of versions that are not in force any more, for paths that are not
	// in files.
	former     map[string]version
	rules      ruleset.Options // Options.Rules and the guard in force
	activated  []activation    // the versions that the current batch puts into force
	unreadable []source.File   // the files of the current batch that cannot be read any more
	// previous is the set that the next set follows: at a start, the set of the replaced Store
	// or nil, and then the set in force.
	previous *ruleset.Set
	setError error // the reason why the last load could not build a set, or nil
	// warnings are about the set in force. They are logged after the load.
	warnings order.Problems
	unlogged bool // the set in force is new, and the log does not have its changes yet
	logged   logState
	times    timeLog
	touched  int // the number of targets that were parsed or replaced since memory was given back

	panics sync.Map // the texts of the panics whose stacks are in the log

	cancel  context.CancelFunc
	done    sync.WaitGroup
	closing atomic.Bool // the Store is closing, so the current load must end
}

// A file is the state of one order file or protect list, or of a directory or glob.
type file struct {
	version // the version in force; empty for a directory or glob
	// err is the reason why the newest version of the file is not in force, or nil.
	err error
	// refused is the digest of the version that err is about. It is zero if there is no file.
	refused source.Digest
	// waiting is a good version that is not in force because another file has one of its order
	// ids. The version waits, because the other file may give up the id.
	waiting *candidate
	gone    bool // there is no file at the path any more
	// unseen means that the source has never reported the file: inherit got the version from
	// another Store.
	unseen   bool
	pattern  bool // a directory or glob
	failures int
	// unsigned is the id of the last proof that failed, and unsignedAt the time at which the
	// proofs began to fail, or zero.
	unsigned   source.Digest
	unsignedAt time.Time
}

// Open starts a Store outside the registry. Open returns when the orders of the good files are
// in force. If there is no good file, Open returns an error with all problems. If clock is nil,
// the Store uses the real time.
func Open(opt Options, log Log, clock Clock) (*Store, error) {
	return open(opt, log, clock, nil)
}

// open is Open for a Store that takes over the versions of other Stores.
func open(opt Options, log Log, clock Clock, others []*Store) (*Store, error) {
	defer coop.Start()() // another Store may already answer queries
	s, err := prepare(opt, log, clock, others)
	if err != nil {
		return nil, err
	}
	// Write the lines of the start now, before the caller logs its next line.
	s.log.flush(flushPatience)
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	s.done.Go(func() {
		s.src.Run(ctx, func(reports []source.File) {
			s.load(reports)
			s.due() // also when the next batch is already there
		})
	})
	return s, nil
}

// prepare is open without the goroutine that watches the files.
func prepare(opt Options, log Log, clock Clock, others []*Store) (*Store, error) {
	if clock == nil {
		clock = source.WallClock
	}
	s := &Store{
		opt: opt, log: newQueue(log), clock: clock, files: map[string]*file{}, isProtectList: map[string]bool{}, former: map[string]version{},
		cancel: func() {}, rules: opt.Rules, times: timeLog{expired: map[string]order.Time{}},
	}
	for _, path := range opt.Protect {
		s.isProtectList[path] = true
	}
	s.rules.Guard = guard.New()
	s.status.Store(&Status{})
	var err error
	s.src, err = source.New(source.Config{
		Patterns: opt.Patterns, Files: opt.Protect, Poll: opt.Poll, Clock: clock, MaxBytes: s.maxBytes, Due: s.due,
		Notice: func(err error) { s.log.Warningf("%v", err) },
	})
	if err != nil {
		return nil, err
	}
	s.inherit(others)
	if err := s.start(context.Background()); err != nil {
		s.log.flush(flushPatience) // the process may end now
		return nil, errors.Join(err, s.src.Close())
	}
	return s, nil
}

// maxBytes returns the size in bytes up to which the source reads a file.
func (s *Store) maxBytes(path string, side bool) int64 {
	switch {
	case s.isProtectList[path]:
		return order.MaxProtect
	case side && s.opt.Verify.Demanded() && strings.HasSuffix(path, ".minisig"):
		return signature.MaxBytes
	}
	return order.MaxBytes(path, side)
}

// start loads all files for the first time.
func (s *Store) start(ctx context.Context) error {
	deadline := s.clock.Now().Add(startPatience)
	for first := true; ; first = false {
		now := s.clock.Now()
		reports := s.src.Scan(ctx, max(0, deadline.Sub(now)))
		if first {
			s.markMissing(reports)
		}
		s.load(reports)
		// The source reports a file again if the file changed while it was read.
		if !s.anyBeingWritten() || !s.clock.Now().Before(deadline) {
			break
		}
	}
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

// anyBeingWritten reports whether a file was not loaded only because it is being written.
func (s *Store) anyBeingWritten() bool {
	for _, f := range s.files {
		if errors.Is(f.err, source.ErrChanged) || errors.Is(f.err, source.ErrPending) {
			return true
		}
	}
	return false
}

// Set returns the set in force. It only loads an atomic pointer.
func (s *Store) Set() *ruleset.Set { return s.set.Load() }

// Idle reports whether the Store has nothing to do before its clock moves or a file changes, and
// whether the log has all lines of the Store. Tests with a clock of their own use Idle.
func (s *Store) Idle() bool { return s.src.Idle() && s.log.lines.Empty() }

// Now returns the time of the Store's clock.
func (s *Store) Now() time.Time { return s.clock.Now() }

// Shadow reports whether the server blocks of the Store change no answer.
func (s *Store) Shadow() bool { return s.opt.Shadow }

// closePatience is the time that Close waits for the current load. Tests change it.
var closePatience = 5 * time.Second

// Close ends the watching of the files. The set remains usable. Close waits for the goroutines
// of the Store, but only for some seconds: neither a file system that does not answer nor a
// blocked log may keep the server from ending. A load that outlives Close changes nothing that
// is still used.
func (s *Store) Close() {
	s.closing.Store(true)
	s.cancel()
	ended := make(chan struct{})
	go func() {
		s.src.Close()
		s.done.Wait()
		close(ended)
	}()
	// The timer runs in real time, because the clock of a test may stand still or jump.
	timer := time.NewTimer(closePatience)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
		s.log.Warningf("a load did not end within %v after the order files were closed; the server goes on without waiting for the load", closePatience)
	}
	s.log.flush(flushPatience)
}

func seconds(t time.Time) order.Time { return order.Time(t.Unix()) }
