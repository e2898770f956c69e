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

	"github.com/klauspost/compress/zstd"
)

// VersionPath returns the path of a kept version, relative to the directory of the
// journal. sum is the hexadecimal SHA-256 of the file.
func VersionPath(sum string) string { return versionDir + "/sha256-" + sum + ".zst" }

// Keep stores the bytes of a file that goes into force, unless the bytes are already stored. open
// returns the bytes, and sum is their SHA-256. Keep adds a Kept record. If the bytes have another
// digest or cannot be written, Keep adds a NotKept record.
func (j *Journal) Keep(file string, sum [sha256.Size]byte, weight int, open func() (io.ReadCloser, error)) {
	name := hex.EncodeToString(sum[:])
	j.Do(weight, func(b *Batch) {
		path := filepath.Join(j.dir, filepath.FromSlash(VersionPath(name)))
		if _, err := os.Stat(path); err == nil {
			return
		}
		b.flush() // the other records need not wait for a large file
		if err := j.keep(path, name, open); err != nil {
			b.Add(Record{Event: NotKept, File: file, SHA256: name, Why: err.Error()})
			return
		}
		b.Add(Record{Event: Kept, File: file, SHA256: name})
	})
}

func (j *Journal) keep(path, sum string, open func() (io.ReadCloser, error)) error {
	in, err := open()
	if err != nil {
		return err
	}
	defer in.Close()
	if err := j.mkdir(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	out, err := j.fs.Create(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer out.Close()
	// One goroutine and a window of 1 MB are enough for text. They use little memory.
	z, err := zstd.NewWriter(out, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return err
	}
	h := sha256.New()
	if _, err := io.Copy(io.MultiWriter(z, h), in); err != nil {
		return errors.Join(err, z.Close())
	}
	if err := z.Close(); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != sum {
		return errors.New("the file has changed since it was loaded")
	}
	return out.Commit(filepath.Base(path), 0o600)
}

// OpenVersion returns the bytes of a kept version. If the bytes do not have the digest,
// Read returns an error at the end of the file.
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
