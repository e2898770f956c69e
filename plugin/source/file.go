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

// State is the state of a path.
type State uint8

const (
	// Ready: the file is complete. Digest and Size describe its bytes, and Open returns them.
	// In a report about a pattern: the pattern names at least one file.
	Ready State = iota + 1
	// Pending: Scan or Run has waited, but the file or one of its side lists is still changing.
	// A file is Pending too if reading it does not finish. The file is reported again when it
	// has settled.
	Pending
	// Missing: the path has no file, or a link leads to a path without a file.
	Missing
	// Unreadable: no permission, a loop of links, an I/O error, a file that is too large, or a
	// side list outside the directory of the order file.
	Unreadable
	// NotAFile: a directory, device, socket or pipe is at the path of a file.
	NotAFile
	// Empty: the directory or glob has no order file.
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
	// ErrChanged means that the bytes that were read are not the reported bytes. The result of
	// parsing them does not count, and neither does a syntax error in them. The Source reports
	// the file again when the file has settled.
	ErrChanged = errors.New("file changed while it was read")
	// ErrPending means that a side list is still being written. The Source reports the order
	// file again when the list has settled.
	ErrPending = errors.New("file is still being written")
	// ErrClosed means that the Source is closed, or no longer watches the file.
	ErrClosed = errors.New("file is no longer watched")
)

// File is the report about one order file, or about a directory or glob as a whole (Pattern).
// A File is a value and does not change after the report.
type File struct {
	Path    string // as configured, or as the directory or glob names the file
	Pattern bool   // the report is about a directory or glob, which cannot be opened
	State   State
	Err     error  // the reason for each State but Ready; names the path
	Digest  Digest // of the order file alone, if it has settled
	Size    int64  // in bytes, if the order file has settled
	Sides   []Side // the known side lists, sorted bytewise by path
	// Detached is true if no directory entry leads to the file any more: a single file that
	// was mounted (Kubernetes subPath, -v file:file) was replaced on the host by a rename. Its
	// bytes can still be read, but changes can no longer be seen.
	Detached bool

	src     *Source
	abs     string
	receipt *receipt
}

// Side is the state of a side list at the time of the report about its order file.
type Side struct {
	Path   string
	State  State
	Err    error
	Digest Digest
	Size   int64
}

// Open returns the bytes of the file. The caller must close the stream. If Read or Close returns
// ErrChanged, the caller must discard the results of parsing the stream, errors included.
func (f File) Open() (io.ReadCloser, error) {
	if err := f.closed(); err != nil {
		return nil, err
	}
	if f.State != Ready {
		return nil, f.Err
	}
	r, err := f.src.open(f.abs, f.abs, f.Path, version{state: Ready, digest: f.Digest, size: f.Size}, f.receipt)
	if err != nil { // a nil *reader in an interface would not be nil
		return nil, err
	}
	return r, nil
}

// OpenSide returns the bytes of a side list and their digest, with the same rules as Open. A
// relative name is relative to the directory of the order file's Path. From then on the Source
// watches the list and reports a change of the list as a change of the order file. ErrPending
// means that the list is being written; the Source then reports the order file again later. The
// digest is correct only if Intact returns nil.
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

// Intact reports, after the parse, whether all streams of f had the reported bytes. It returns
// nil, or the first ErrChanged, ErrPending or I/O error. A stream that is not closed yet counts as
// changed. A parser may stop at a syntax error, or list an error of the stream among the problems
// of the file. The caller therefore calls Intact before it uses any result of the parser.
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

// receipt has the results of the streams of one report.
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
