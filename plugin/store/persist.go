package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/state"
)

// Write in the background, because no order may wait for the disk.
func (s *Store) persist() {
	if s.dir == nil || !s.recalled {
		return
	}
	next := state.Next{
		Set:   state.Set{Versions: maps.Clone(s.unread), Floors: map[string]state.Floor{}},
		Blobs: map[state.Digest]func() (io.ReadCloser, error){},
		Parts: map[string]func(io.Writer) error{},
	}
	next.Options, next.Guard = s.rulesDigests()
	for path, v := range s.former {
		addFloor(next.Floors, path, &v)
	}
	for path, f := range s.files {
		addFloor(next.Floors, path, &f.version)
		if f.part == nil && f.list == nil {
			continue
		}
		delete(s.unread, path)
		next.Versions[path] = f.stored
		if write := s.snapshotWriter(path, f.version); write != nil {
			next.Parts[path] = write
		}
		next.Blobs[f.stored.Order] = s.opener(path, f.stored.Order, f, f.list != nil)
		for name, d := range f.stored.Sides {
			next.Blobs[d] = s.opener(filepath.Join(filepath.Dir(path), name), d, f, true)
		}
	}
	s.dir.commit(s, next)
}

func addFloor(floors map[string]state.Floor, path string, v *version) {
	if v.serial < 0 {
		return
	}
	floor := state.Floor{Serial: v.serial, Order: state.Digest(v.ownDigest)}
	if v.anyBytes {
		floor.Order = state.Digest{}
	}
	floors[path] = floor
}

func (s *Store) opener(path string, d state.Digest, f *file, side bool) func() (io.ReadCloser, error) {
	if h, ok := f.bytes[d]; ok {
		return func() (io.ReadCloser, error) { return io.NopCloser(io.NewSectionReader(h, 0, h.size)), nil }
	}
	size := f.sizes[d]
	most := size
	if most == 0 {
		most = s.maxBytes(path, side)
	}
	return func() (io.ReadCloser, error) {
		f, err := openRegular(path)
		if err != nil {
			return nil, err
		}
		info, err := f.Stat()
		if err == nil && (info.Size() > most || size > 0 && info.Size() != size) {
			err = fmt.Errorf("%s: %w", printable.Line(path), errChangedSince)
		}
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		return struct {
			io.Reader
			io.Closer
		}{io.LimitReader(f, most), f}, nil
	}
}

var errChangedSince = errors.New("the file has changed since it was loaded")

const (
	// A larger file stays open and is not kept in memory.
	maxKept = 1 << 20
	// An open file counts as openWeight bytes.
	maxAllKept = 32 << 20
	openWeight = 256 << 10
)

type held struct {
	io.ReaderAt
	size   int64
	weight int
	open   bool // the bytes are in an open file, which a person can change
}

type keeper struct {
	io.ReadCloser
	size int64
	b    []byte
	add  func([]byte) // receives the bytes of the whole file
}

func (s *Store) keepBytes(r io.ReadCloser, add func(held)) io.ReadCloser {
	size := order.SizeOf(r)
	weight := size
	if size > maxKept {
		weight = openWeight
	}
	if s.dir == nil && s.journal == nil || size <= 0 || s.kept+weight > maxAllKept {
		return r
	}
	keep := func(from io.ReaderAt) {
		s.kept += weight
		add(held{from, size, int(weight), size > maxKept})
	}
	if size > maxKept {
		if r, ok := r.(interface{ Hold(func(*os.File)) }); ok {
			r.Hold(func(f *os.File) { keep(f) })
		}
		return r
	}
	return &keeper{r, size, make([]byte, 0, size), func(b []byte) { keep(bytes.NewReader(b)) }}
}

// Size returns the number of bytes of the file.
func (k *keeper) Size() int64 { return k.size }

func (k *keeper) Read(p []byte) (int, error) {
	n, err := k.ReadCloser.Read(p)
	k.b = append(k.b, p[:n]...)
	return n, err
}

func (k *keeper) Close() error {
	_, _ = io.Copy(io.Discard, onlyReader{k}) // the error of Close is the same
	if int64(len(k.b)) == k.size {
		k.add(k.b)
	}
	return k.ReadCloser.Close()
}

// onlyReader hides all methods but Read.
type onlyReader struct{ io.Reader }

func (s *Store) dropBytes() {
	if s.kept == 0 || s.dir == nil || !s.dir.stored() {
		return
	}
	for _, f := range s.files {
		f.bytes = nil
	}
	s.kept = 0
	s.persist() // the functions of the committed set refer to the bytes
}
