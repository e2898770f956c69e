// Package state keeps the last good versions of order files in a directory. After a restart, these
// orders stay in force. The directory contains these files:
//
//	LOCK                the process that uses the directory
//	current.json        the list of all versions; see Set
//	refused.json        a current.json that could not be read; see Open
//	blob/sha256-HEX     copies of order files and side lists
//	part/HEX.snap       snapshots: the compiled orders of one order file each
//	request             changes that other programs ask for; see Ask
//	changes.jsonl       a record of these changes; see Record
//
// The package first stores the blobs, and then replaces current.json. A crash therefore leaves
// either the old set or the new set. Commit never waits for the disk, because another goroutine
// writes.
//
// Files have mode 0600 and directories 0700, because blobs may contain sealed (secret) orders.
// Checksums find damage, but an intruder with write access can change them too. Only a signature
// finds such a change.
package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/dns-orders/blocklist/plugin/durable"
	"github.com/dns-orders/blocklist/plugin/printable"
)

const (
	currentName = "current.json"
	refusedName = "refused.json"
	blobDir     = "blob"
	partDir     = "part"
)

const (
	// A snapshot can be very large, so the State writes snapshots at most once in this time.
	snapshotEvery = 10 * time.Second
	retryAfter    = 30 * time.Second
)

// Options are the settings of a State.
type Options struct {
	// Writer is the version of the program. It appears in current.json for people.
	Writer string
	// Now returns the current time. Nil means time.Now.
	Now func() time.Time
	// After replaces time.After in tests. Nil means time.After.
	After func(time.Duration) <-chan time.Time
	// Done is called after each attempt to store a set. Later writes wait until Done returns. Done
	// must not call Flush or Close. A nil Done is allowed.
	Done func(error)
	FS   durable.FS
}

// A State is an open state directory. Its methods are safe for concurrent use.
type State struct {
	dir       string
	opt       Options
	fs        durable.FS // opt.FS, but new files get the owner of the directory
	lock      *durable.Lock
	problems  []error
	recording sync.Mutex // held while Record writes

	wake    chan struct{}   // has capacity 1
	flushes chan chan error // requests of Flush
	stop    chan struct{}
	stopped chan struct{}
	closing sync.Once
	closed  error // the result of Close

	mu        sync.Mutex
	set       Set               // the stored set
	newest    Set               // the set of the newest commit, which may not be stored yet
	pending   *Next             // the newest set if it is not stored yet, otherwise nil
	parts     parts             // the compiled orders whose snapshots are not stored yet
	status    Status            // the result of Status, without the field Pending
	storing   bool              // true while the goroutine that writes is storing something
	damaged   map[Digest]bool   // blobs that a reader has found to be damaged
	abandoned bool              // nothing is stored any more; see Abandon
	damage    bool              // current.json or refused.json showed damage at Open
	accepts   bool              // the next current.json has no field Unaccepted; see Accept
	dropped   map[Snapshot]bool // snapshots that DropSnapshot has removed

	// Only the goroutine that writes uses the following fields.
	refused   bool // current.json could not be read, and must be kept
	exists    bool // current.json exists, but may be damaged
	have      map[Digest]bool
	snapshots time.Time // the time of the newest write of snapshots
	timer     <-chan time.Time
}

// Status reports how the State stores the committed sets.
type Status struct {
	// Err is the error of the newest attempt to store a set, or nil.
	Err error
	// FailingSince is the time of the first failed attempt after the last success.
	FailingSince time.Time
	Stored       time.Time
	// Pending reports whether a set or a snapshot is not stored yet.
	Pending bool
}

// Open locks a state directory and reads current.json. Open creates a missing directory. If another
// process uses the directory, the error is a *durable.LockedError.
//
// Open does not check the content of files; see Verify. A version with a missing file stays in the
// set. Problems returns an error for each missing or bad file.
//
// If current.json is damaged, the State has no versions. The first commit renames the damaged file
// to refused.json. While refused.json exists, no blob is removed. In a read-only directory, each
// commit fails.
func Open(dir string, opt Options) (*State, error) {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.After == nil {
		opt.After = time.After
	}
	if err := opt.FS.Mkdir(dir, 0o700); err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	lock, err := durable.LockDir(dir, opt.Now())
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	s := &State{
		dir: dir, opt: opt, lock: lock, have: map[Digest]bool{}, damaged: map[Digest]bool{}, dropped: map[Snapshot]bool{},
		wake: make(chan struct{}, 1), flushes: make(chan chan error),
		stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	s.fs = opt.FS
	s.fs.Inherit = true
	for _, sub := range []string{".", blobDir, partDir, requestDir} {
		path := filepath.Join(dir, sub)
		if err := s.fs.Mkdir(path, 0o700); err != nil {
			s.problem(err)
		} else if err := s.fs.CleanUp(path); err != nil {
			s.problem(err)
		}
	}
	s.dropRequests()
	s.read()
	s.newest = s.set
	go s.run()
	return s, nil
}

// Read returns the stored set of a directory. Read takes no lock. Another process may write at the
// same time.
func Read(dir string) (Set, error) {
	b, err := readFile(filepath.Join(dir, currentName), maxCurrent)
	if err != nil {
		return Set{}, err
	}
	set, err := decode(b)
	if err != nil {
		return Set{}, fmt.Errorf("%s: %w", printable.Line(filepath.Join(dir, currentName)), err)
	}
	return set, nil
}

func (s *State) read() {
	for _, name := range names(filepath.Join(s.dir, blobDir)) {
		if d, ok := blobDigest(name); ok {
			s.have[d] = true
		}
	}
	set, err := Read(s.dir)
	if err != nil {
		set.Unaccepted = s.opt.Now().UTC().Truncate(time.Second)
	}
	switch s.exists = !errors.Is(err, fs.ErrNotExist); {
	case err == nil, !s.exists && len(s.have) == 0:
	default:
		s.refused = true
		s.problem(fmt.Errorf("%w; no version is known", err))
	}
	if s.hasRefused() {
		s.problem(fmt.Errorf("%s: keeps a set that could not be read; no blob is removed until \"blocklistctl state accept\" or until the file is removed", s.path(refusedName)))
	}
	s.damage = s.refused || s.hasRefused()
	s.set = set
	snaps := map[string]bool{}
	for _, name := range names(filepath.Join(s.dir, partDir)) {
		snaps[name] = true
	}
	for path, v := range set.Sorted() {
		for what, d := range v.blobs() {
			if !s.have[d] {
				s.problem(fmt.Errorf("%s: %s: %s is missing", printable.Line(path), what, s.path(blobDir, blobName(d))))
			}
		}
		if v.Snapshot.Size > 0 && !snaps[v.Snapshot.File()] {
			s.problem(fmt.Errorf("%s: snapshot: %s is missing", printable.Line(path), s.path(partDir, v.Snapshot.File())))
			s.DropSnapshot(path, v.Snapshot)
		}
	}
}

// hasRefused reports whether refused.json exists.
func (s *State) hasRefused() bool {
	_, err := os.Lstat(filepath.Join(s.dir, refusedName))
	return err == nil
}

func names(dir string) (out []string) {
	all, _ := os.ReadDir(dir)
	for _, e := range all {
		if e.Type().IsRegular() {
			out = append(out, e.Name())
		}
	}
	return out
}

func (s *State) problem(err error) { s.problems = append(s.problems, fmt.Errorf("state: %w", err)) }

func (s *State) path(names ...string) string {
	return printable.Line(filepath.Join(s.dir, filepath.Join(names...)))
}

// Problems returns an error for each bad file that Open has found.
func (s *State) Problems() []error { return s.problems }

// Set returns the stored set. The caller must not change the set.
func (s *State) Set() Set {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.set
}

// Unaccepted returns the time at which Open found the directory empty or damaged. After Accept, the
// time is zero. See Set.Unaccepted.
func (s *State) Unaccepted() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.accepts {
		return time.Time{}
	}
	return s.set.Unaccepted
}

// Damaged reports whether current.json was damaged or lost. After Accept, Damaged returns false. A
// new or empty directory is not damaged.
func (s *State) Damaged() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.damage && !s.accepts
}

// Status reports whether the committed sets are stored.
func (s *State) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.status
	out.Pending = s.pending != nil || s.storing || len(s.parts) > 0
	return out
}

// Close stores the pending set and snapshots, and releases the lock. Close returns the error of the
// newest attempt. After Close, Commit has no effect.
func (s *State) Close() error {
	s.closing.Do(func() {
		close(s.stop)
		<-s.stopped
		s.closed = errors.Join(s.Status().Err, s.lock.Close())
	})
	return s.closed
}

// Abandon is like Close, but stores nothing. Call Abandon if the directory was removed or replaced.
func (s *State) Abandon() {
	s.mu.Lock()
	s.pending, s.parts, s.abandoned = nil, nil, true
	s.mu.Unlock()
	s.Close()
}

func blobName(d Digest) string { return "sha256-" + d.String() }

func blobDigest(name string) (d Digest, ok bool) {
	hex, ok := strings.CutPrefix(name, "sha256-")
	return d, ok && d.UnmarshalText([]byte(hex)) == nil
}
