package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/dns-orders/blocklist/plugin/signature"
)

// install renames new files to their final paths: first the signatures and then the order
// file. All new files are complete on the disk before the first rename, so that a full disk
// changes nothing.
func (b *signed) install(file string, slot int, text []byte) error {
	var all []*staged
	defer func() {
		for _, s := range all {
			s.discard()
		}
	}()
	add := func(slot int, text []byte) error {
		s, err := stage(signature.Path(file, slot), 0o644)
		if err != nil {
			return err
		}
		all = append(all, s)
		_, err = s.Write(text)
		return errors.Join(err, s.finish())
	}
	if err := add(slot, text); err != nil {
		return err
	}
	moving, err := b.moving(file, slot)
	if err != nil {
		return err
	}
	for slot, text := range moving {
		if err := add(slot, text); err != nil {
			return err
		}
	}
	if b.content != nil {
		if err := b.content.finish(); err != nil {
			return err
		}
		all = append(all, b.content)
	}
	for _, s := range all {
		if err := s.install(); err != nil {
			return err
		}
	}
	return nil
}

// moving returns the signatures of other people for the new version, by number. They must be
// installed with the new version.
func (b *signed) moving(file string, slot int) (map[int][]byte, error) {
	out := map[int][]byte{}
	for other := 1; other <= signature.MaxKeys; other++ {
		if other == slot || !b.moves {
			continue
		}
		path := signature.Path(b.from, other)
		text, err := readSignature(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = signsName(text, filepath.Base(file))
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		out[other] = text
	}
	return out, nil
}

// signsName returns an error if a signature is not for a file with the given base name.
func signsName(text []byte, name string) error {
	s, err := signature.Parse(text)
	if err == nil && s.File != name {
		err = fmt.Errorf("is not the signature of a file with the name %q, so it cannot move with the order file; remove it, or sign NEW under this name", name)
	}
	return err
}
