// Package store keeps one order set in force: it is the one place that says
// load, check, swap. Files come from a [source.Source], are parsed, compiled,
// checked against what is in force, and the whole set is swapped at once.
//
// Each file stands for itself: a bad one keeps its last good version in force
// and alarms, while the others go into force.
//
// Stores are shared by the process: server blocks, transports and views that
// name the same files with the same options hold the same Store (see Acquire).
package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dns-orders/blocklist/plugin/coop"
	"github.com/dns-orders/blocklist/plugin/guard"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/signature"
	"github.com/dns-orders/blocklist/plugin/source"
)

// Options are what a Store does. Two Options that are Equal share a Store.
type Options struct {
	// Patterns are the order files, directories and globs; absolute.
	Patterns []string
	// Rules are the compiler's options; the guard is the Store's own to set.
	Rules ruleset.Options
	// Protect are the files of the operator's protect lists; absolute, clean.
	Protect []string
	// MaxShrink is the share, in percent (0 to 100), of its targets in force
	// that a file may lose at once.
	MaxShrink int
	// Poll is the time between two looks at the files.
	Poll time.Duration
	// Verify says which keys must have signed each order file.
	Verify signature.Policy
	// Demands are requirements on order files beyond the rules of their format.
	Demands order.Demands
}

// key tells Options apart.
func (o Options) key() string {
	return fmt.Sprintf("%q %v %q %d %s %v %v", o.Patterns, o.Rules, o.Protect, o.MaxShrink, o.Poll, o.Verify, o.Demands)
}

// Log is the ordinary log. Never a client's address, and never a sealed order's
// id or names, goes there.
type Log interface {
	Infof(format string, args ...any)
	Warningf(format string, args ...any)
	Errorf(format string, args ...any)
}

// Clock is the time, for tests to inject.
type Clock = source.Clock

// startPatience is how long a start waits for files that are being written.
const startPatience = 5 * time.Second

// Store is a set of orders in force, kept up to date with its files.
type Store struct {
	opt   Options
	log   *queue
	clock Clock
	src   *source.Source
	set   atomic.Pointer[ruleset.Set]

	status atomic.Pointer[Status]
	legacy atomic.Pointer[legacy] // what a Store that follows takes over

	// What follows belongs to the goroutine that loads: Open's, then Run's.
	order  []string // paths in the order of the configuration
	placed bool     // order is up to date
	files  map[string]*file
	isList map[string]bool // the protect lists of the configuration
	// past has what is kept of the versions of the paths that are not in files any more.
	past   map[string]version
	rules  ruleset.Options // with the guard in force
	news   []news          // of the batch being loaded
	losses []loss          // of the batch being loaded
	told   told            // of the set in force
	before *ruleset.Set    // of the store that was followed, or the last one since the start
	broken error           // why the set of the last load could not be built
	// warnings are those of the set in force, when untold: the log has not said yet what
	// the set is.
	warnings order.Problems
	untold   bool
	parsed   int // targets parsed and replaced by the load

	panics sync.Map // the texts of the panics whose stacks are in the log

	settled chan int // tells watchTimes that a load is over, and of how many targets
	cancel  context.CancelFunc
	done    sync.WaitGroup
	closing atomic.Bool // ends a load that is under way
}

// file is what is known of one order file or protect list. A pattern has no version.
type file struct {
	version       // the last good version
	err     error // why the file as it stands is not in force; nil when it is
	// refused is the version that err is about; zero when there is no file.
	refused source.Digest
	// waiting is a good version that is not in force yet; it stays when another
	// file has one of its order ids.
	waiting *candidate
	// gone: there is no file at the path any more.
	gone bool
	// unseen: the version was handed on or refused by inherit, and the source has never seen
	// the file.
	unseen bool
	// pattern marks the entry of a directory or glob.
	pattern  bool
	failures int
	// unsigned is the id of the last proof that failed, and unsignedAt the time at which the
	// proofs began to fail, or zero.
	unsigned   source.Digest
	unsignedAt time.Time
}

// Status is what a Store tells about itself.
type Status struct {
	// Digest names the set in force: what files and options make it, wherever
	// the files lie. Nodes of the same version with equal digests have the same
	// set.
	Digest string
	// LastSuccess is when a load last changed or confirmed the set with every
	// file good.
	LastSuccess time.Time
	// LastLoad is when files were last loaded, LastOK whether all were good.
	LastLoad time.Time
	LastOK   bool
	Duration time.Duration // of the last load
	// LastLook is when the source last looked at all files.
	LastLook time.Time
	// UselessLifts are the active lifts of the set that reach nothing.
	UselessLifts int
	// Ready: every configured file is in force in some good version.
	Ready bool
	Files []FileStatus
}

// FileStatus is the state of one configured or found file.
type FileStatus struct {
	Path     string
	Failures int   // loads that failed since the start
	Err      error // why the file as it stands is not in force
	// Expires is that of the version in force, order.NoTime for none.
	Expires order.Time
	// Timezone is the time zone of the version in force, as written.
	Timezone string
	// Signed is the newest time of signing of the version in force by the clocks of its
	// signers, or zero if signatures are not checked or have no time.
	Signed time.Time
}

// Open starts a Store of its own, outside the registry. It reads the files and
// returns when they are in force. Without any good file it fails, with every
// problem. A nil clock is the real one.
func Open(opt Options, log Log, clock Clock) (*Store, error) {
	return open(opt, log, clock, nil)
}

// open is Open for a Store that takes over from others.
func open(opt Options, log Log, clock Clock, others []*Store) (*Store, error) {
	defer coop.Start()() // other blocks, or this one's predecessor, may be serving
	s, err := prepare(opt, log, clock, others)
	if err != nil {
		return nil, err
	}
	// What the caller logs next comes after the lines of the start.
	s.log.flush(flushPatience)
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	s.done.Go(func() {
		s.settle(ctx) // what the start loaded
		s.src.Run(ctx, func(reports []source.File) {
			s.load(reports)
			s.settle(ctx)
		})
	})
	s.done.Go(func() { s.watchTimes(ctx) })
	return s, nil
}

// settle is for when a load is over, and all that it tells.
func (s *Store) settle(ctx context.Context) {
	select {
	case s.settled <- s.parsed:
	case <-ctx.Done():
	}
	s.parsed = 0
}

// prepare is open without what runs in the background.
func prepare(opt Options, log Log, clock Clock, others []*Store) (*Store, error) {
	if clock == nil {
		clock = source.WallClock
	}
	s := &Store{
		opt: opt, log: newQueue(log), clock: clock, files: map[string]*file{}, isList: map[string]bool{}, past: map[string]version{},
		settled: make(chan int), cancel: func() {}, rules: opt.Rules,
	}
	for _, path := range opt.Protect {
		s.isList[path] = true
	}
	s.rules.Guard = guard.New()
	s.status.Store(&Status{})
	var err error
	s.src, err = source.New(source.Config{
		Patterns: opt.Patterns, Files: opt.Protect, Poll: opt.Poll, Clock: clock, MaxBytes: s.maxBytes,
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

// maxBytes returns the size up to which the source reads a file, in bytes.
func (s *Store) maxBytes(path string, side bool) int64 {
	switch {
	case s.isList[path]:
		return order.MaxProtect
	case side && s.opt.Verify.Demanded() && strings.HasSuffix(path, ".minisig"):
		return signature.MaxBytes
	}
	return order.MaxBytes(path, side)
}

// start loads everything for the first time.
func (s *Store) start(ctx context.Context) error {
	deadline := s.clock.Now().Add(startPatience)
	for first := true; ; first = false {
		now := s.clock.Now()
		reports := s.src.Scan(ctx, max(0, deadline.Sub(now)))
		if first {
			s.missing(reports)
		}
		s.load(reports)
		// A file that changed while it was read is reported again.
		if !s.unsettled() || !s.clock.Now().Before(deadline) {
			break
		}
	}
	var all []string
	good := false
	for _, path := range s.order {
		f := s.files[path]
		good = good || f.part != nil
		if f.err != nil {
			all = append(all, s.public(path, f.err))
		}
	}
	if s.broken != nil {
		all = append(all, printable.Line(s.broken.Error()))
	}
	if !good || s.set.Load() == nil {
		return noGoodFile(all)
	}
	s.before = s.set.Load()
	return nil
}

// unsettled reports whether some file has only failed because it is being
// written.
func (s *Store) unsettled() bool {
	for _, f := range s.files {
		if errors.Is(f.err, source.ErrChanged) || errors.Is(f.err, source.ErrPending) {
			return true
		}
	}
	return false
}

// Set returns the set in force. It is one atomic load.
func (s *Store) Set() *ruleset.Set { return s.set.Load() }

// Ready reports whether every configured file is in force in some good version,
// and none of them has expired.
func (s *Store) Ready() bool { return s.Status().Ready && !s.stale() }

// Status returns the store's state. It is not to be changed.
func (s *Store) Status() Status {
	st := *s.status.Load()
	st.LastLook = s.src.LastLook()
	return st
}

// closePatience is how long Close waits for a load that is under way. A variable, so
// that tests need not wait.
var closePatience = 5 * time.Second

// Close stops watching; the set stays usable. Close returns when nothing of the Store runs any
// more, or after some seconds: a load that waits for a file system must not keep the server
// from ending, nor must a log that blocks. Such a load ends when the file system answers, and
// changes nothing that anybody uses.
func (s *Store) Close() {
	s.closing.Store(true)
	s.cancel()
	ended := make(chan struct{})
	go func() {
		s.src.Close()
		s.done.Wait()
		close(ended)
	}()
	// The real time: a clock of a test would be asked to move.
	timer := time.NewTimer(closePatience)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
		s.log.Warningf("a load did not end within %v after the order files were closed; the server goes on without waiting for the load", closePatience)
	}
	s.log.flush(flushPatience)
}

// Now returns the store's time.
func (s *Store) Now() time.Time { return s.clock.Now() }

func seconds(t time.Time) order.Time { return order.Time(t.Unix()) }
