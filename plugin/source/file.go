package source

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"

	"github.com/dns-orders/blocklist/plugin/printable"
)

// State is the state of a path: for example Ready, or Missing.
type State uint8

const (
	// Ready means that the file is complete. Digest and Size describe the bytes of the file,
	// and Open returns the bytes. In a report about a directory or glob, Ready means that at
	// least one file matches.
	Ready State = iota + 1
	// Pending means that the file, or one of its side lists (lists of names in files of their
	// own), is still changing after the longest wait. A file that cannot be read to its end in
	// time is Pending too. The file is reported again when its bytes no longer change.
	Pending
	// Missing means that the path has no file, or is a link to a path without a file.
	Missing
	// Unreadable means that the file cannot be read or must not be read. The reasons are: no
	// permission, a loop of links, an I/O error, a file that is too large, or a side list
	// outside the directory of its order file.
	Unreadable
	// NotAFile means that the path leads to a directory, device, socket or pipe in place of a
	// file.
	NotAFile
	// Empty means that the directory or glob has no order file.
	Empty
)

var stateNames = [...]string{"unknown", "ready", "being written", "missing", "unreadable", "not a file", "empty"}

func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return stateNames[0]
}

// Digest is the SHA-256 of the bytes of a file.
type Digest [sha256.Size]byte

func (d Digest) String() string { return hex.EncodeToString(d[:]) }

var (
	// ErrChanged means that the file changed after it was reported, so that the caller read
	// other bytes than the reported bytes. The caller must ignore the result of the parser,
	// even a syntax error. The Source reports the file again when the file no longer changes.
	ErrChanged = errors.New("file changed while it was read")
	// ErrPending means that a side list (a list of names in a file of its own) is still being
	// written. When the side list no longer changes, the Source reports the order file again.
	ErrPending = errors.New("file is still being written")
	// ErrClosed means that the Source is closed, or no longer watches the file.
	ErrClosed = errors.New("file is no longer watched")
)

// File is the report about one order file. If Pattern is true, it is the report about a
// directory or glob as a whole. A File does not change after the report.
type File struct {
	Path    string // the path as configured, or as found in the directory or by the glob
	Pattern bool   // the report is about a directory or glob, which cannot be opened
	State   State
	Err     error  // the reason for each State but Ready; contains the path
	Digest  Digest // of the order file alone; zero while the file is still changing
	Size    int64  // in bytes; zero while the file is still changing
	Sides   []Side // the known side lists, sorted bytewise by path
	// Detached is true if a single file was mounted (Kubernetes subPath, -v file:file) and a
	// rename replaced the file on the host. Then no directory entry leads to the mounted file.
	// Its old bytes can still be read, but a change of the new file cannot be noticed.
	Detached bool

	src     *Source
	abs     string
	receipt *receipt
}

// Side is the state of a side list (a list of names in a file of its own) at the time of the
// report about its order file.
type Side struct {
	Path   string
	State  State
	Err    error
	Digest Digest
	Size   int64
}

// Open returns the bytes of the file as a stream, which the caller must close. If Read or
// Close of the stream returns ErrChanged, the caller must discard all results of the parser,
// also its errors.
func (f File) Open() (io.ReadCloser, error) {
	if err := f.closed(); err != nil {
		return nil, err
	}
	if f.State != Ready {
		return nil, f.Err
	}
	r, err := f.src.open(f.abs, f.abs, f.Path, version{state: Ready, digest: f.Digest, size: f.Size}, f.receipt)
	if err != nil { // do not return r: an interface with a nil *reader is not nil
		return nil, err
	}
	return r, nil
}

// OpenSide returns a side list (a list of names in a file of its own) as a stream, and the
// digest of the list. A relative name is relative to the directory of the order file. OpenSide
// also starts to watch the list: the Source reports a change of the list as a change of the
// order file. If the list is still being written, OpenSide returns ErrPending, and the Source
// reports the order file again later. The digest is correct only if Intact returns nil. If
// Read or Close of the stream returns ErrChanged, the caller must discard all results of the
// parser.
func (f File) OpenSide(name string) (io.ReadCloser, Digest, error) {
	if err := f.closed(); err != nil {
		return nil, Digest{}, err
	}
	r, err := f.src.openSide(f.abs, f.sidePath(name), f.receipt)
	if err != nil {
		return nil, Digest{}, err
	}
	return r, r.want, nil
}

func (f File) closed() error {
	if f.Pattern || f.src == nil {
		return fmt.Errorf("%s: %w", printable.Line(f.Path), ErrClosed)
	}
	return nil
}

// Intact returns nil if all streams of f had the reported bytes. Otherwise it returns the
// first ErrChanged, ErrPending or I/O error of the streams. A stream that is not closed counts
// as changed. The caller must call Intact after the parse and before it uses a result of the
// parser, because a parser may take an error of the stream for an error in the file.
func (f File) Intact() error {
	if f.receipt == nil {
		return nil
	}
	return f.receipt.verdict(f.Path)
}

// Again makes the file settle once more, and then reports the file again, although it did not
// change. It is for a caller that waits for a file beside this one.
func (f File) Again() {
	if !f.Pattern && f.src != nil {
		f.src.lost(f.abs, f.abs)
	}
}

// SetSides sets the side lists that the content of the file names. The Source no longer watches
// other lists. Call SetSides after a parse without errors. Do not call it after a parse with
// errors: the lists that were opened stay watched, and a correction of one of them reports the
// order file again.
func (f File) SetSides(names []string) {
	if f.closed() != nil {
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

// receipt collects the results of all streams that were opened from one File.
type receipt struct {
	mu   sync.Mutex
	open int // the number of open streams
	err  error
}

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
