package source

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/dns-orders/blocklist/plugin/pace"
)

// State is what stands at a path.
type State uint8

const (
	// Ready: a file whose bytes stood still. Digest and Size are theirs, Open
	// gives them. For a report about a pattern: it names at least one file.
	Ready State = iota + 1
	// Pending: somebody is writing, and was still writing when the caller's
	// patience (Scan) or Patience (Run) ended. Reported again when it is over.
	Pending
	// Missing: there is nothing, or a link leads to nothing.
	Missing
	// Unreadable: no permission, a loop of links, an I/O error.
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
	Err     error  // why, for every State but Ready and Pending; names the path
	Digest  Digest // when Ready
	Size    int64  // octets, when Ready
	// Detached: no link leads to the open file any more. The bytes can be read, but
	// changes can no longer be seen.
	Detached bool
	Sides    []Side // the side lists known so far, bytewise by path

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
		return nil, fmt.Errorf("%s: %w", f.Path, ErrClosed)
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
		return nil, Digest{}, fmt.Errorf("%s: %w", f.Path, ErrClosed)
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

func (r *receipt) opened() {
	r.mu.Lock()
	r.open++
	r.mu.Unlock()
}

func (r *receipt) closed() {
	r.mu.Lock()
	r.open--
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
		return fmt.Errorf("%s: not read to its end: %w", path, ErrChanged)
	}
	return r.err
}

// stateError is what a caller gets who opens what cannot be opened.
func stateError(path string, s State, err error) error {
	switch {
	case s == Pending:
		return fmt.Errorf("%s: %w", path, ErrPending)
	case err != nil:
		return err
	}
	return fmt.Errorf("%s: %s", path, s)
}

// pathError says err about path, without repeating the path that the system's
// errors carry, but with the place where a link led astray.
func pathError(path, at string, err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	if at != "" && at != path {
		return fmt.Errorf("%s: %s: %w", path, at, err)
	}
	return fmt.Errorf("%s: %w", path, err)
}

// stateOf says which State a failure to reach or read a path is.
func stateOf(err error) State {
	// ENOTDIR: a parent is a file now, so the file itself is gone.
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return Missing
	}
	return Unreadable
}

// reader is a stream that ends in io.EOF only if its bytes were the promised
// ones. Files of hundreds of megabytes are parsed while they stream, so that
// the parser has seen bytes before anyone can know whether they are right:
// hence the rule that the parse is void until the end has been reached.
type reader struct {
	f    io.ReadCloser
	path string
	h    hash.Hash
	want Digest
	size int64 // octets promised
	left int64 // and not yet read
	err  error
	shut bool
	rcpt *receipt
	lost func() // tells the source that what it reported was not received
}

func newReader(f io.ReadCloser, path string, v version, rcpt *receipt, lost func()) *reader {
	rcpt.opened()
	return &reader{f: f, path: path, h: sha256.New(), want: v.digest, size: v.size, left: v.size, rcpt: rcpt, lost: lost}
}

// Size returns the octets of the whole file.
func (r *reader) Size() int64 { return r.size }

// Read is io.Reader, with ErrChanged in place of io.EOF for the wrong bytes.
func (r *reader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	pace.Yield()
	n, err := r.f.Read(p)
	r.h.Write(p[:n])
	r.left -= int64(n)
	switch {
	case r.left < 0: // do not stream the endless tail of a growing file
		return n, r.fail(ErrChanged)
	case err == io.EOF:
		if r.left != 0 || [sha256.Size]byte(r.h.Sum(nil)) != r.want {
			return n, r.fail(ErrChanged)
		}
		r.err = io.EOF
	case err != nil:
		return n, r.fail(err)
	}
	return n, err
}

func (r *reader) fail(err error) error {
	r.err = pathError(r.path, "", err)
	r.rcpt.failed(r.err)
	r.lost()
	return r.err
}

// Close reads what the parser left (one that stopped at an error or at the end
// of a document has not seen the end of the file), so that its answer is about
// the whole file, and then closes it. A second Close repeats the answer.
func (r *reader) Close() error {
	if !r.shut {
		r.shut = true
		_, _ = io.Copy(io.Discard, onlyReader{r})
		_ = r.f.Close() // opened for reading: nothing to lose
		r.rcpt.closed()
	}
	if r.err == io.EOF {
		return nil
	}
	return r.err
}

// onlyReader hides everything but Read from io.Copy.
type onlyReader struct{ io.Reader }

// files is the file system, replaced in tests by one with faults.
type files struct {
	lstat    func(string) (fs.FileInfo, error)
	readlink func(string) (string, error)
	readDir  func(string) ([]fs.DirEntry, error)
	open     func(string) (openFile, error)
}

// openFile is the part of *os.File that is used.
type openFile interface {
	io.ReadCloser
	Stat() (fs.FileInfo, error)
}

func osFiles() files {
	return files{lstat: os.Lstat, readlink: os.Readlink, readDir: os.ReadDir, open: func(path string) (openFile, error) {
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
