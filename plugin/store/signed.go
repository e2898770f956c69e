package store

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/signature"
	"github.com/dns-orders/blocklist/plugin/source"
)

// This file checks the signatures of order files, if Options.Verify demands signatures.
//
// The signature files of an order file are watched as its side lists are. The source therefore
// reports the order file again when a signature comes, changes or vanishes, and waits while one
// of the files is being written.
//
// An order file is read twice: first for the signatures and then for the parser. The source
// compares the bytes of both streams with the SHA-256 of one report. So the parser gets the
// bytes that the signatures cover, or the load is tried again.
//
// An order file and its signature cannot be replaced in one step. A version without good
// signatures is therefore no failure until it has been there for source.Settle.

// A proof is the result of a check of signatures.
type proof struct {
	// id names the order file and the signature files that were read, and the keys.
	id     source.Digest
	signed time.Time // the newest time of signing, or zero
}

// unsignedError says that a version does not have enough good signatures.
type unsignedError struct{ error }

// prove checks the signatures of a reported order file.
func (s *Store) prove(r source.File) (p proof, err error) {
	if !s.opt.Verify.Demanded() {
		return p, nil
	}
	id := sha256.New()
	fmt.Fprintln(id, s.opt.Verify, r.Digest)
	check := s.opt.Verify.Check(r.Path, func(path string) ([]byte, error) {
		data, err := readSignature(r, path)
		fmt.Fprintf(id, "%q %v\n", data, err)
		return data, err
	})
	in, err := r.Open()
	if err != nil {
		return p, err
	}
	_, err = io.Copy(check, in)
	// What was read while a file changed says nothing, neither good nor bad.
	if err = cmp.Or(err, in.Close(), r.Intact()); err != nil {
		return p, err
	}
	result := check.Result()
	p = proof{source.Digest(id.Sum(nil)), result.Signed()}
	if err := result.Err(); err != nil {
		return p, unsignedError{err}
	}
	return p, nil
}

// readSignature reads a signature file, which is watched from now on.
func readSignature(r source.File, path string) ([]byte, error) {
	in, _, err := r.OpenSide(filepath.Base(path))
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(in)
	return data, cmp.Or(err, in.Close())
}

// awaited reports whether err only says that a version does not have good signatures yet. The
// first time that a version has none, awaited makes the source report the version again after
// source.Settle. A writer that never stops is waited for no longer than source.Patience. A start
// does not wait for signatures: a file that was not in force before is
// refused, and is loaded when its signature comes.
func (s *Store) awaited(r source.File, f *file, p proof, err error) bool {
	var u unsignedError
	if !errors.As(err, &u) {
		if !beingWritten(err) {
			f.unsignedAt = time.Time{}
		}
		return false
	}
	now := s.clock.Now()
	if f.unsignedAt.IsZero() {
		f.unsignedAt = now
	}
	if f.unsigned == p.id || f.part == nil && s.previous == nil || now.Sub(f.unsignedAt) > source.Patience {
		return false
	}
	f.unsigned = p.id
	r.Again()
	return true
}

// signatureNames returns the base names of the signature files of an order file.
func (s *Store) signatureNames(path string) (names []string) {
	if s.opt.Verify.Demanded() {
		for slot := range s.opt.Verify.Keys {
			names = append(names, filepath.Base(signature.Path(path, slot+1)))
		}
	}
	return names
}

// unlike returns an error if another order file has the same base name, because the signatures
// of both files are then interchangeable. The file that comes first in the configuration stays.
func (s *Store) unlike(path string) error {
	if !s.opt.Verify.Demanded() {
		return nil
	}
	for other, f := range s.files {
		if other == path || f.pattern || s.isProtectList[other] || filepath.Base(other) != filepath.Base(path) {
			continue
		}
		first := cmp.Or(source.Place(s.opt.Patterns, other)-source.Place(s.opt.Patterns, path), cmp.Compare(other, path)) < 0
		if f.part != nil || f.waiting != nil || first {
			return fmt.Errorf("%s: has the same base name as %s, so the signatures of the two files are interchangeable; rename one of them and sign it again",
				printable.Line(path), printable.Line(other))
		}
	}
	return nil
}

// proves checks the signatures of an order file before a Store exists.
func (s *Store) proves(path string) error {
	if !s.opt.Verify.Demanded() {
		return nil
	}
	check := s.opt.Verify.Check(path, func(path string) ([]byte, error) {
		in, err := openRegular(path)
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(io.LimitReader(in, signature.MaxBytes+1))
		return data, cmp.Or(err, in.Close())
	})
	in, err := openRegular(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(check, in)
	if err = cmp.Or(err, in.Close()); err != nil {
		return err
	}
	return check.Result().Err()
}
