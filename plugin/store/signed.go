package store

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/signature"
	"github.com/dns-orders/blocklist/plugin/source"
	"github.com/dns-orders/blocklist/plugin/state"
)

// This file checks the signatures of order files, if Options.Verify demands signatures.
//
// The source watches the signature files of an order file as it watches side lists. When a
// signature file is written, changed or removed, the source reports the order file again.
// While one of the files is being written, the source waits.
//
// The store reads an order file twice, first to check the signatures and then to parse the
// orders. The source compares the bytes of each reading with the SHA-256 in the report. If the
// file has changed between the two readings, the load fails and is tried again. Therefore the
// parser gets only bytes that the signatures cover.
//
// A new order file and its new signature arrive one after the other. Therefore a version
// without good signatures is not reported as a failure before source.Settle has passed.

// A proof is the result of a check of the signatures of an order file.
type proof struct {
	// id is a digest of the order file, the signature files and the keys. If one of them
	// changes, the id changes.
	id     source.Digest
	signed time.Time // the time of the newest good signature, or zero
	// keys and signatures contain, for each good signature, the id of its key and the content of
	// its file. The state directory stores them.
	keys, signatures []string
}

// An unsignedError is the error about a version that does not have enough good signatures.
type unsignedError struct{ error }

// prove checks the signatures of the order file in a report of the source.
func (s *Store) prove(r source.File) (p proof, err error) {
	if !s.opt.Verify.Demanded() {
		return p, nil
	}
	id := sha256.New()
	fmt.Fprintln(id, s.opt.Verify, r.Digest)
	texts := map[string]string{}
	check := s.opt.Verify.Check(r.Path, func(path string) ([]byte, error) {
		data, err := readSignature(r, path)
		fmt.Fprintf(id, "%q %v\n", data, err)
		texts[path] = string(data)
		return data, err
	})
	in, err := r.Open()
	if err != nil {
		return p, err
	}
	_, err = io.Copy(check, in)
	// If a file has changed while it was read, the result of the check is meaningless.
	if err = cmp.Or(err, in.Close(), r.Intact()); err != nil {
		return p, err
	}
	result := check.Result()
	p = proof{id: source.Digest(id.Sum(nil)), signed: result.Signed()}
	for _, by := range result.Signers {
		p.keys, p.signatures = append(p.keys, by.Key.String()), append(p.signatures, texts[by.Path])
	}
	if err := result.Err(); err != nil {
		return p, unsignedError{err}
	}
	return p, nil
}

// proven records the good signatures of the version in force.
func (v *version) proven(p proof) {
	v.signed, v.unproven = p.signed, false
	v.stored.Keys, v.stored.Signatures = p.keys, p.signatures
}

// reprove checks a stored version that is in force by the signatures that the state directory has
// stored and by the keys of today's Corefile. If they are not good, the version stays in force
// with an error, because a key that was removed must not end an order.
func (s *Store) reprove(path string, v state.Version, c *storedContent) {
	// The signatures by today's keys come first, because the check reads one signature for each
	// key.
	var texts []string
	for i, text := range v.Signatures {
		if slices.ContainsFunc(s.opt.Verify.Keys, func(k signature.Key) bool { return i < len(v.Keys) && k.ID().String() == v.Keys[i] }) {
			texts = slices.Insert(texts, 0, text)
		} else {
			texts = append(texts, text)
		}
	}
	check := s.opt.Verify.Check(path, func(string) ([]byte, error) {
		if len(texts) == 0 {
			return nil, fs.ErrNotExist
		}
		text := texts[0]
		texts = texts[1:]
		return []byte(text), nil
	})
	in, err := c.Open()
	if err == nil {
		_, err = io.Copy(check, in)
		err = cmp.Or(err, in.Close(), c.Intact())
	}
	if err == nil {
		err = check.Result().Err()
	}
	if err == nil {
		return
	}
	for line := range strings.Lines(err.Error()) {
		s.log.Errorf("state %s: the stored version of %s is in force, but the signatures stored with it are not good: %s", s.dir.path, path, strings.TrimSuffix(line, "\n"))
	}
}

// readSignature reads a signature file, and makes the source watch this file from now on.
func readSignature(r source.File, path string) ([]byte, error) {
	in, _, err := r.OpenSide(filepath.Base(path))
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(in)
	return data, cmp.Or(err, in.Close())
}

// awaited reports whether the store should wait because the signatures of a version may still
// come. When a version fails for the first time, awaited returns true, and makes the source
// report the version again after source.Settle. When the same version fails again, awaited
// returns false. If a writer replaces the file again and again, awaited returns false after
// source.Patience. At the start of a server, awaited returns false for a file that was not in
// force before.
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

// signatureNames returns the base names of all signature files that an order file can have.
func (s *Store) signatureNames(path string) (names []string) {
	if s.opt.Verify.Demanded() {
		for slot := range s.opt.Verify.Keys {
			names = append(names, filepath.Base(signature.Path(path, slot+1)))
		}
	}
	return names
}

// unlike returns an error if another order file has the same base name. A signature contains
// only the base name, so each of the two files would accept the signature of the other. The
// file that comes first in the configuration is kept.
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

// proves checks the signatures of an order file before there is a Store.
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
