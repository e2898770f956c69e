package state

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"

	"github.com/cespare/xxhash/v2"

	"github.com/dns-orders/blocklist/plugin/coop"
	"github.com/dns-orders/blocklist/plugin/printable"
)

// ErrDamaged means that the content of a stored file has changed.
var ErrDamaged = errors.New("damaged")

// Refuse all files that are not regular. Opening a named pipe could block the process.
func openRegular(path string) (*os.File, int64, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, &fs.PathError{Op: "open", Path: path, Err: errors.New("not a regular file")}
	}
	f, err := os.Open(path)
	return f, info.Size(), err
}

func readFile(path string, limit int64) ([]byte, error) {
	f, size, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if size > limit {
		return nil, fmt.Errorf("%s: has %d bytes, more than %d", printable.Line(path), size, limit)
	}
	// The file may grow during the read.
	return io.ReadAll(io.LimitReader(f, limit))
}

// If the checksum is wrong, the reader returns ErrDamaged in place of io.EOF.
type checked struct {
	f    *os.File
	size int64 // in bytes
	sum  hash.Hash
	want string // the expected checksum
	path string // printable path for errors
	bad  func() // called if the checksum is wrong
}

func (c *checked) Read(p []byte) (int, error) {
	n, err := c.f.Read(p)
	c.sum.Write(p[:n])
	if err == io.EOF && string(c.sum.Sum(nil)) != c.want {
		c.bad()
		return n, fmt.Errorf("%s: %w: has the checksum %x", c.path, ErrDamaged, c.sum.Sum(nil))
	}
	return n, err
}

// Size returns the size of the file in bytes.
func (c *checked) Size() int64 { return c.size }

func (c *checked) Close() error { return c.f.Close() }

// Blob opens the stored copy of a file. The argument is the digest of the file. If the copy is
// damaged, the reader returns ErrDamaged in place of io.EOF.
func (s *State) Blob(d Digest) (io.ReadCloser, error) {
	f, size, err := openRegular(filepath.Join(s.dir, blobDir, blobName(d)))
	if err != nil {
		return nil, err
	}
	return &checked{f, size, sha256.New(), string(d[:]), s.path(blobDir, blobName(d)), func() { s.setDamaged(d, true) }}, nil
}

// Snapshot opens the compiled orders of an order file. The second result is their size in bytes. If
// there is no snapshot, the error is fs.ErrNotExist. If the snapshot is damaged, Snapshot or the
// reader returns ErrDamaged.
func (s *State) Snapshot(path string) (io.ReadCloser, int64, error) {
	snap := s.Set().Versions[path].Snapshot
	if snap.Size == 0 {
		return nil, 0, fmt.Errorf("%s: snapshot: %w", printable.Line(path), fs.ErrNotExist)
	}
	f, size, err := openRegular(filepath.Join(s.dir, partDir, snap.File()))
	if err != nil {
		s.DropSnapshot(path, snap)
		return nil, 0, err
	}
	name := s.path(partDir, snap.File())
	if size != snap.Size {
		f.Close()
		s.DropSnapshot(path, snap)
		return nil, 0, fmt.Errorf("%s: %w: has %d bytes in place of %d", name, ErrDamaged, size, snap.Size)
	}
	want := binary.BigEndian.AppendUint64(nil, snap.XXH64) // the byte order of the method Sum of xxhash
	return &checked{f, size, xxhash.New(), string(want), name, func() { s.DropSnapshot(path, snap) }}, size, nil
}

// DropSnapshot removes an unusable snapshot. The next commit writes a new snapshot. If the order
// file has another snapshot now, DropSnapshot does nothing.
func (s *State) DropSnapshot(path string, snap Snapshot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v, ok := s.set.Versions[path]; ok && v.Snapshot == snap && snap.Size > 0 {
		s.dropped[snap] = true
		s.set = s.withoutDropped(s.set)
	}
}

// The caller must hold s.mu.
func (s *State) withoutDropped(set Set) Set {
	if len(s.dropped) == 0 {
		return set
	}
	set.Versions = maps.Clone(set.Versions)
	for path, v := range set.Versions {
		if s.dropped[v.Snapshot] {
			v.Snapshot = Snapshot{}
			set.Versions[path] = v
		}
	}
	return set
}

func (s *State) setDamaged(d Digest, is bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.damaged[d] = is
}

func (s *State) isDamaged(d Digest) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.damaged[d]
}

// Verify reads all blobs and snapshots of the stored set. Verify returns an error for each missing
// or damaged file.
func (s *State) Verify() (problems []error) {
	report := func(path, what string, v Version, err error) {
		// A commit may have removed the version during Verify.
		if now := s.Set().Versions[path]; err != nil && now.sameContent(v) {
			problems = append(problems, fmt.Errorf("state: %s: %s: %w", printable.Line(path), what, err))
		}
	}
	seen := map[Digest]error{}
	for path, v := range s.Set().Sorted() {
		for what, d := range v.blobs() {
			err, known := seen[d]
			if !known {
				r, openErr := s.Blob(d)
				err = drain(r, openErr)
				seen[d] = err
			}
			report(path, what, v, err)
		}
		if v.Snapshot.Size > 0 {
			r, _, err := s.Snapshot(path)
			report(path, "snapshot", v, drain(r, err))
		}
	}
	return problems
}

func drain(r io.ReadCloser, err error) error {
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(io.Discard, yielding{r})
	return err
}

type yielding struct{ io.Reader }

func (y yielding) Read(p []byte) (int, error) {
	coop.Yield()
	return y.Reader.Read(p)
}
