package source

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/dns-orders/blocklist/plugin/printable"
)

// State is what stands at a path.
type State uint8

const (
	// Ready: a file whose bytes stood still. Digest and Size are theirs, Open
	// gives them. For a report about a pattern: it names at least one file.
	Ready State = iota + 1
	// Pending: the file or one of its side lists was still changing when the caller's
	// patience (Scan) or Patience (Run) ended, or reading it does not finish. The file
	// is reported again when that is over.
	Pending
	// Missing: there is nothing, or a link leads to nothing.
	Missing
	// Unreadable: no permission, a loop of links, an I/O error, a file that is too
	// large, a side list outside the order file's directory.
	Unreadable
	// NotAFile: a directory, device, socket or pipe in place of a file.
	NotAFile
	// Empty: a directory or glob in which there is no order file.
	Empty
)

var stateNames = [...]string{"unknown", "ready", "being written", "missing", "unreadable", "not a file", "empty"}

func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return stateNames[0]
}

// Digest is a SHA-256 of a file's bytes.
type Digest [sha256.Size]byte

func (d Digest) String() string { return hex.EncodeToString(d[:]) }

var (
	// ErrChanged means that the bytes read are not the bytes reported. Nothing
	// parsed from them counts, not even a syntax error found in them. The file
	// is reported again, by itself, once it has stood still.
	ErrChanged = errors.New("file changed while it was read")
	// ErrPending means that a side list is still being written. Its owner is
	// reported again, by itself, once the list has stood still.
	ErrPending = errors.New("file is still being written")
	// ErrClosed means that the Source is closed, or no longer watches the file.
	ErrClosed = errors.New("file is no longer watched")
)

// File is the report of one order file, or (Pattern) of a directory or glob as
// a whole. It is a value: it keeps saying what was true when it was made.
type File struct {
	Path    string // as configured, or as the directory or glob names it
	Pattern bool   // about a directory or glob itself; nothing to open
	State   State
	Err     error  // why, for every State but Ready; names the path
	Digest  Digest // of the order file alone, when it has settled
	Size    int64  // bytes, likewise
	Sides   []Side // the side lists known so far, bytewise by path
	// Detached says that the file has no link left: a single file that was mounted
	// (Kubernetes subPath, -v file:file) was renamed over on the host. Its bytes can
	// still be read, but changes can no longer be seen.
	Detached bool

	src  *Source
	abs  string
	read *receipt
}

// Side is the state of a side list at the time of its owner's report.
type Side struct {
	Path   string
	State  State
	Err    error
	Digest Digest
	Size   int64
}

// Open gives the file's bytes. The stream is verified: see reader. The caller
// must Close it and must discard what it parsed, errors included, when Read or
// Close says ErrChanged.
func (f File) Open() (io.ReadCloser, error) {
	if f.Pattern || f.src == nil {
		return nil, fmt.Errorf("%s: %w", printable.Line(f.Path), ErrClosed)
	}
	if f.State != Ready {
		return nil, stateError(f.Path, f.State, f.Err)
	}
	r, err := f.src.open(f.abs, f.abs, f.Path, version{state: Ready, digest: f.Digest, size: f.Size}, f.read)
	if err != nil { // a nil *reader in an interface would not be nil
		return nil, err
	}
	return r, nil
}

// OpenSide gives a side list's bytes, verified like Open's. A relative name is
// relative to the directory of the order file's Path. From here on the list is
// watched and its change reported as its owner's. ErrPending says that the list
// is being written; the owner is then reported again later. The digest is that
// of the bytes if Intact says so.
func (f File) OpenSide(name string) (io.ReadCloser, Digest, error) {
	if f.Pattern || f.src == nil {
		return nil, Digest{}, fmt.Errorf("%s: %w", printable.Line(f.Path), ErrClosed)
	}
	r, err := f.src.openSide(f.abs, f.sidePath(name), f.read)
	if err != nil {
		return nil, Digest{}, err
	}
	return r, r.want, nil
}

// Intact says, after the parse, whether all that was opened through f was what
// it was reported to be: nil, or the first ErrChanged, ErrPending or I/O error.
// A parser need not hand these on (it may stop at a syntax error, or turn them
// into a line of its problem list), so ask here before believing any result of
// it, good or bad. A reader that is not closed yet counts as changed.
func (f File) Intact() error {
	if f.read == nil {
		return nil
	}
	return f.read.verdict(f.Path)
}

// Again makes the file settle once more, and then reports the file again, although it did not
// change. It is for a caller that waits for a file beside this one.
func (f File) Again() {
	if !f.Pattern && f.src != nil {
		f.src.lost(f.abs, f.abs)
	}
}

// SetSides says which side lists the file's content names: others that it named
// before are no longer watched. Call it after a good parse. After a bad one
// leave it: lists already opened stay watched, so that mending one of them
// brings the owner back.
func (f File) SetSides(names []string) {
	if f.Pattern || f.src == nil {
		return
	}
	paths := make([]string, len(names))
	for i, n := range names {
		paths[i] = f.sidePath(n)
	}
	f.src.setSides(f.abs, paths)
}

func (f File) sidePath(name string) string {
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(filepath.Dir(f.Path), name)
}

// receipt gathers what became of the streams of one report.
type receipt struct {
	mu   sync.Mutex
	open int
	err  error
}

// count adds to the number of open streams.
func (r *receipt) count(n int) {
	r.mu.Lock()
	r.open += n
	r.mu.Unlock()
}

func (r *receipt) failed(err error) {
	r.mu.Lock()
	if r.err == nil {
		r.err = err
	}
	r.mu.Unlock()
}

func (r *receipt) verdict(path string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil && r.open > 0 {
		return fmt.Errorf("%s: not read to its end: %w", printable.Line(path), ErrChanged)
	}
	return r.err
}

// stateError is what a caller gets who opens what cannot be opened.
func stateError(path string, s State, err error) error {
	switch {
	case err != nil:
		return err
	case s == Pending:
		return fmt.Errorf("%s: %w", printable.Line(path), ErrPending)
	}
	return fmt.Errorf("%s: %s", printable.Line(path), s)
}

// pathError says err about path, without repeating the path that the system's
// errors carry, but with the place where a link led astray.
func pathError(path, at string, err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	if at != "" && at != path {
		return fmt.Errorf("%s: %s: %w", printable.Line(path), printable.Line(at), err)
	}
	return fmt.Errorf("%s: %w", printable.Line(path), err)
}

// stateOf says which State a failure to reach or read a path is.
func stateOf(err error) State {
	if errors.Is(err, errHangs) {
		return Pending
	}
	// ENOTDIR: a parent is a file now, so the file itself is gone.
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return Missing
	}
	return Unreadable
}

// files is the file system, replaced in tests by one with faults.
type files struct {
	lstat    func(string) (fs.FileInfo, error)
	readlink func(string) (string, error)
	readDir  func(string) ([]fs.DirEntry, error)
	glob     func(string) ([]string, error)
	open     func(string) (openFile, error)
}

// openFile is the part of *os.File that is used.
type openFile interface {
	io.ReadCloser
	Stat() (fs.FileInfo, error)
}

func osFiles() files {
	return files{lstat: os.Lstat, readlink: os.Readlink, readDir: os.ReadDir, glob: filepath.Glob, open: func(path string) (openFile, error) {
		// O_NONBLOCK: a pipe put in the file's place between lstat and open
		// would otherwise hang the watcher for ever. On files it does nothing.
		return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	}}
}

// errNotAFile says what is in place of a file.
func errNotAFile(m fs.FileMode) error {
	if m.IsDir() {
		return errors.New("is a directory")
	}
	return errors.New("is not a regular file")
}
