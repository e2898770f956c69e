package journal

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/klauspost/compress/zstd"
)

// VersionPath returns the path of a kept version, relative to the directory of the journal. The
// argument is the hexadecimal SHA-256 of the file.
func VersionPath(sum string) string { return versionDir + "/sha256-" + sum + ".zst" }

const (
	keepAgain = time.Minute
	// This limits the versions that wait for a retry. Each one needs memory or an open file.
	maxUnkept = 64
)

// An unkept is a version that goes into force.
type unkept struct {
	file   string
	sum    string // the hexadecimal SHA-256
	weight int
	open   func() (io.ReadCloser, error)
	failed bool // the disk has failed, and the journal has the record NotKept
}

var errChanged = errors.New("the file has changed since it was loaded")

// Keep stores the bytes of a file and adds a Kept record. It does not store the same bytes twice.
// The function that opens the file may be called several times.
//
// After an error, Keep adds a NotKept record. If the disk fails, Keep tries again later. If too
// many events wait for the disk, Keep returns false.
func (j *Journal) Keep(file string, sum [sha256.Size]byte, weight int, open func() (io.ReadCloser, error)) bool {
	return j.keepLater(unkept{file: file, sum: hex.EncodeToString(sum[:]), weight: weight, open: open})
}

func (j *Journal) keepLater(v unkept) bool {
	return j.Do(v.weight, func(b *Batch) {
		path := filepath.Join(j.dir, filepath.FromSlash(VersionPath(v.sum)))
		if _, err := os.Stat(path); err == nil {
			if !b.j.table.kept[v.sum] { // a crash came before the record
				b.Add(Record{Event: Kept, File: v.file, SHA256: v.sum})
			}
			return
		}
		b.flush() // the other records need not wait for a large file
		in, err := v.open()
		again := err == nil
		if again {
			err = j.keep(v.file, path, v.sum, in)
			in.Close()
			again = err != nil && !errors.Is(err, errChanged)
		}
		if err == nil {
			b.Add(Record{Event: Kept, File: v.file, SHA256: v.sum})
			return
		}
		if !v.failed {
			b.Add(Record{Event: NotKept, File: v.file, SHA256: v.sum, Why: err.Error()})
		}
		if v.failed = true; again && len(j.unkept) < maxUnkept {
			j.unkept = append(j.unkept, v)
			j.again = j.opt.After(keepAgain)
		}
	})
}

func (j *Journal) keepUnkept() {
	list := j.unkept
	j.unkept, j.again = nil, nil
	for _, v := range list {
		if !j.keepLater(v) {
			j.unkept = append(j.unkept, v)
			j.again = j.opt.After(keepAgain)
		}
	}
}

func (j *Journal) keep(file, path, sum string, in io.Reader) error {
	if err := j.mkdir(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	out, err := j.fs.Create(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer out.Close()
	h := sha256.New()
	now, err := writeFrames(out, io.TeeReader(in, h), j.frames[file])
	if err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != sum {
		return errChanged
	}
	if err := out.Commit(filepath.Base(path), 0o600); err != nil {
		return err
	}
	if now.path = path; len(now.at) > 1 {
		j.frames[file] = now
	}
	return nil
}

// OpenVersion returns a reader for the bytes of a kept version. For a wrong digest, the reader ends
// with an error instead of io.EOF.
func OpenVersion(dir, sum string) (io.ReadCloser, error) {
	if b, err := hex.DecodeString(sum); err != nil || len(b) != sha256.Size {
		return nil, fmt.Errorf("%q is not a SHA-256: %w", sum, fs.ErrNotExist)
	}
	f, err := os.Open(filepath.Join(dir, filepath.FromSlash(VersionPath(sum))))
	if err != nil {
		return nil, err
	}
	z, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20))
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &version{z: z, f: f, sum: sum, h: sha256.New()}, nil
}

// A version reads a kept version.
type version struct {
	z   *zstd.Decoder
	f   *os.File
	sum string
	h   interface {
		io.Writer
		Sum([]byte) []byte
	}
}

func (v *version) Read(p []byte) (int, error) {
	n, err := v.z.Read(p)
	v.h.Write(p[:n])
	if err == io.EOF && hex.EncodeToString(v.h.Sum(nil)) != v.sum {
		err = fmt.Errorf("%s: does not contain the version of its name", VersionPath(v.sum))
	}
	return n, err
}

func (v *version) Close() error {
	v.z.Close()
	return v.f.Close()
}
