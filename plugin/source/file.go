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
	// Ready means that the file is complete. For a directory or glob, it means that there is an
	// order file.
	Ready State = iota + 1
	// Pending means that the file or a side list keeps changing. It can also mean that the file
	// system hangs. The Source reports the file again later.
	Pending
	// Missing means that the path does not exist. A dangling link is missing too.
	Missing
	// Unreadable means that the file is too large or cannot be read.
	Unreadable
	// NotAFile means that the path leads to a directory, device, socket or pipe.
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

// Digest is the SHA-256 of a file.
type Digest [sha256.Size]byte

func (d Digest) String() string { return hex.EncodeToString(d[:]) }

var (
	// ErrChanged means that the file has changed since the report. Ignore all results of the
	// parser, even a syntax error.
	ErrChanged = errors.New("file changed while it was read")
	// ErrPending means that a side list is still being written. The Source reports the order file
	// again later.
	ErrPending = errors.New("file is still being written")
	// ErrClosed means that the Source is closed, or no longer watches the file.
	ErrClosed = errors.New("file is no longer watched")
)

// File is an immutable report about one order file, directory or glob.
type File struct {
	Path    string // as configured, or as found in the directory or by the glob
	Pattern bool   // the report is about a directory or glob
	State   State
	Err     error  // the reason for each State but Ready
	Digest  Digest // of the order file alone; zero while the file changes
	Size    int64  // in bytes; zero while the file changes
	Sides   []Side // the known side lists, sorted bytewise by path
	// Detached means that a mounted single file was replaced on the host. The Source cannot see
	// changes of the new file.
	Detached bool

	src     *Source
	abs     string
	receipt *receipt
}

// Side is a report about one side list.
type Side struct {
	Path   string
	State  State
	Err    error
	Digest Digest
	Size   int64
}

// Open opens the file. After ErrChanged, discard all results of the parser.
func (f File) Open() (io.ReadCloser, error) {
	if err := f.closed(); err != nil {
		return nil, err
	}
	if f.State != Ready {
		return nil, f.Err
	}
	r, err := f.src.open(f.abs, f.abs, f.Path, version{state: Ready, digest: f.Digest, size: f.Size}, f.receipt)
	if err != nil { // a *reader that is nil must not become a non-nil interface
		return nil, err
	}
	return r, nil
}

// OpenSide opens a side list and returns its digest. The digest is correct only if Intact returns
// nil. If the list is still being written, the error is ErrPending.
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

// WatchSide watches a side list and returns its state.
func (f File) WatchSide(name string) Side {
	side := Side{Path: f.sidePath(name)}
	v, err := version{}, f.closed()
	if err == nil {
		var abs string
		if abs, err = filepath.Abs(side.Path); err == nil {
			v, err = f.src.addSide(f.abs, abs, side.Path)
		}
	}
	if side.State, side.Err, side.Digest, side.Size = v.state, v.err, v.digest, v.size; err != nil {
		side.State, side.Err = Unreadable, err
	}
	return side
}

func (f File) closed() error {
	if f.Pattern || f.src == nil {
		return fmt.Errorf("%s: %w", printable.Line(f.Path), ErrClosed)
	}
	return nil
}

// Intact returns an error if the parser has read other bytes than the Source reported. Call Intact
// before you use the parser's result or its error.
func (f File) Intact() error {
	if f.receipt == nil {
		return nil
	}
	return f.receipt.verdict(f.Path)
}

// Again makes the Source report the file once more without a change.
func (f File) Again() {
	if !f.Pattern && f.src != nil {
		f.src.lost(f.abs, f.abs)
	}
}

// Again makes the Source report an order file once more without a change. An unknown path has no
// effect.
func (s *Source) Again(path string) {
	if abs, err := filepath.Abs(path); err == nil {
		s.lost(abs, abs)
	}
}

// SetSides sets the side lists of the file. The Source no longer watches other lists for this file.
// Call SetSides only after a parse without errors.
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
