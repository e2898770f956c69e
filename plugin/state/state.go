// Package state keeps the last good versions of order files in a directory, so that a restart
// forgets no order.
//
//	LOCK                the process that uses the directory
//	current.json        the set of all versions; see Set
//	refused.json        a current.json that could not be read; see Open
//	blob/sha256-HEX     order files, side lists and protect lists, byte for byte
//	part/HEX.snap       snapshots: compiled parts, opaque bytes for this package
//
// The blobs are the truth. A blob is stored before current.json names it, and current.json is
// replaced as a whole, so a crash leaves the old set or the new set. A snapshot is a cache: if
// it is missing or damaged, the blobs of its version are compiled again.
//
// All writes are done by one goroutine. A caller of Commit never waits for the disk. When sets
// are committed faster than the disk can store them, only the newest set is stored.
//
// All files have mode 0600, and the directories that the package makes have mode 0700, because
// the blobs contain sealed orders. The package knows nothing about orders, and trusts nothing in the directory without a
// checksum. The checksums find damage. They do not stop an intruder who may write to the
// directory: signatures do.
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

// The names in the directory.
const (
	currentName = "current.json"
	refusedName = "refused.json"
	blobDir     = "blob"
	partDir     = "part"
)

const (
	// snapshotEvery is the shortest time between two writes of snapshots. A snapshot may have
	// very many bytes, and a list may change each second.
	snapshotEvery = 10 * time.Second
	// retryAfter is the time after which a failed write is tried again.
	retryAfter = 30 * time.Second
)

// Options are the settings of a State.
type Options struct {
	// Writer is the version of the program. It is stored for people.
	Writer string
	// Now returns the current time. If Now is nil, the system's clock is used.
	Now func() time.Time
	// After is time.After. Tests replace it.
	After func(time.Duration) <-chan time.Time
	// Done is called after each attempt to store a set, with the error of the attempt. It is
	// called by the goroutine that writes, so it delays later writes, and it must not call Flush
	// or Close. It may be nil.
	Done func(error)
	// FS writes the files. Tests set its hook.
	FS durable.FS
}

// A State is an open state directory. Its methods are safe for concurrent use.
type State struct {
	dir      string
	opt      Options
	lock     *durable.Lock
	problems []error

	wake    chan struct{}   // has capacity 1
	flushes chan chan error // Flush sends to it
	stop    chan struct{}
	stopped chan struct{}
	closing sync.Once
	closed  error // the result of Close

	mu      sync.Mutex
	set     Set             // the stored set
	newest  Set             // the newest committed set
	pending *Next           // the newest set that is not stored; nil if there is none
	parts   parts           // the parts whose snapshots are not stored
	status  Status          // without Pending
	storing bool            // the goroutine that writes is storing something
	damaged map[Digest]bool // blobs whose content was found to be damaged

	// The following fields belong to the goroutine that writes.
	refused   bool // current.json could not be read, and must be kept
	exists    bool // there is a current.json, which may be damaged
	have      map[Digest]bool
	snapshots time.Time // the time of the newest write of snapshots
	timer     <-chan time.Time
}

// Status reports how the State stores the committed sets.
type Status struct {
	// Err is the error of the newest attempt, nil if the newest set is stored.
	Err error
	// FailingSince is the time of the first of the failed attempts since the last success.
	FailingSince time.Time
	// Stored is the time of the newest success, zero if there was none in this process.
	Stored time.Time
	// Pending is true while a set or a snapshot waits to be stored, or is being stored.
	Pending bool
}

// Open locks a state directory, reads it and starts the goroutine that writes. It creates the
// directory if there is none; the parent directory must exist. If another process uses the
// directory, the error is a *durable.LockedError, which names the process.
//
// Open reads current.json and verifies its checksum, and checks that all blobs and snapshots are
// there. It does not verify the content of blobs, because that takes long: Blob, Snapshot and
// Verify do. Open does not fail because of damage. It keeps all that is good, and Problems
// returns an error for each damage.
//
// If current.json is damaged, the State is empty: without current.json, the order file of a blob
// is not known. The first commit then renames the damaged file to refused.json. While refused.json
// exists, no blob is removed, so that a person can restore the versions. The person removes
// refused.json afterwards.
//
// Open also works in a directory that cannot be written. Then each commit fails.
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
		dir: dir, opt: opt, lock: lock, have: map[Digest]bool{}, damaged: map[Digest]bool{},
		wake: make(chan struct{}, 1), flushes: make(chan chan error),
		stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	for _, sub := range []string{".", blobDir, partDir} {
		path := filepath.Join(dir, sub)
		if err := opt.FS.Mkdir(path, 0o700); err != nil {
			s.problem(err)
		} else if err := opt.FS.CleanUp(path); err != nil {
			s.problem(err)
		}
	}
	s.read()
	s.newest = s.set
	go s.run()
	return s, nil
}

// Read returns the stored set of a state directory without locking the directory. The directory
// may be in use, because current.json is replaced as a whole.
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

// read reads current.json and looks for the blobs and snapshots that current.json names.
func (s *State) read() {
	for _, name := range names(filepath.Join(s.dir, blobDir)) {
		if d, ok := blobDigest(name); ok {
			s.have[d] = true
		}
	}
	set, err := Read(s.dir)
	switch s.exists = !errors.Is(err, fs.ErrNotExist); {
	case err == nil, !s.exists && len(s.have) == 0:
	default:
		s.refused = true
		s.problem(fmt.Errorf("%w; no version is known", err))
	}
	if s.hasRefused() {
		s.problem(fmt.Errorf("%s: keeps a set that could not be read; no blob is removed until the file is removed", s.path(refusedName)))
	}
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

// hasRefused reports whether there is a refused.json.
func (s *State) hasRefused() bool {
	_, err := os.Lstat(filepath.Join(s.dir, refusedName))
	return err == nil
}

// names returns the names of the regular files in a directory. A directory that cannot be read
// has no names: then all its files are reported as missing.
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

// path returns the printable path of a file in the directory.
func (s *State) path(names ...string) string {
	return printable.Line(filepath.Join(s.dir, filepath.Join(names...)))
}

// Problems returns an error for each damage that Open has found.
func (s *State) Problems() []error { return s.problems }

// Set returns the stored set. The caller must not change it.
func (s *State) Set() Set {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.set
}

// Status returns how the State stores the committed sets.
func (s *State) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.status
	out.Pending = s.pending != nil || s.storing || len(s.parts) > 0
	return out
}

// Close stores all that is pending, ends the lock, and returns the error of the newest attempt.
// Close waits for the disk. After Close, Set and Status still work, and commits have no effect. A
// second Close returns the same error.
func (s *State) Close() error {
	s.closing.Do(func() {
		close(s.stop)
		<-s.stopped
		s.closed = errors.Join(s.Status().Err, s.lock.Close())
	})
	return s.closed
}

// blobName returns the name of the file of a blob.
func blobName(d Digest) string { return "sha256-" + d.String() }

// blobDigest returns the digest of the blob in a file, and reports whether the name is a name of
// a blob.
func blobDigest(name string) (d Digest, ok bool) {
	hex, ok := strings.CutPrefix(name, "sha256-")
	return d, ok && d.UnmarshalText([]byte(hex)) == nil
}
