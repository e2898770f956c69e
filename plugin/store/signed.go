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

type proof struct {
	id               source.Digest
	signed           time.Time // the time of the newest good signature, or zero
	keys, signatures []string
}

type unsignedError struct{ error }

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

func (v *version) proven(p proof) {
	v.signed, v.unproven = p.signed, false
	v.stored.Keys, v.stored.Signatures = p.keys, p.signatures
}

// A bad stored signature is only logged, because a removed key must not end orders.
func (s *Store) reprove(path string, v state.Version, c *storedContent) {
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

func readSignature(r source.File, path string) ([]byte, error) {
	in, _, err := r.OpenSide(filepath.Base(path))
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(in)
	return data, cmp.Or(err, in.Close())
}

// The Store waits only once for each version, and no longer than source.Patience.
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

func (s *Store) signatureNames(path string) (names []string) {
	if s.opt.Verify.Demanded() {
		for slot := range s.opt.Verify.Keys {
			names = append(names, filepath.Base(signature.Path(path, slot+1)))
		}
	}
	return names
}

// A signature contains only the base name of its file. Two order files must therefore not have the
// same base name.
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
