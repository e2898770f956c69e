package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"

	"github.com/dns-orders/blocklist/plugin/signature"
)

// A new order file must not appear on the disk before its signature.
func install(versions []*signed, slot int) (installed int, err error) {
	var all []*staged
	defer func() {
		for _, s := range all {
			s.Close()
		}
	}()
	last := make([]int, len(versions)) // the number of files up to the last file of each version
	for i, b := range versions {
		moving, err := b.moving(slot)
		if err != nil {
			return 0, err
		}
		moving[slot] = b.signature
		for _, other := range slices.Sorted(maps.Keys(moving)) {
			s, err := stage(signature.Path(b.file, other), 0o644)
			if err != nil {
				return 0, err
			}
			all = append(all, s)
			_, err = s.Write(moving[other])
			if err = errors.Join(err, s.prepare()); err != nil {
				return 0, err
			}
		}
		if b.content != nil {
			if err := b.content.prepare(); err != nil {
				return 0, err
			}
			all = append(all, b.content)
		}
		last[i] = len(all)
	}
	for i, s := range all {
		if err := s.Install(); err != nil {
			return installed, err
		}
		for installed < len(last) && last[installed] == i+1 {
			installed++
		}
	}
	return installed, nil
}

func (b *signed) moving(slot int) (map[int][]byte, error) {
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
			err = signsName(text, filepath.Base(b.file))
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		out[other] = text
	}
	return out, nil
}

func signsName(text []byte, name string) error {
	s, err := signature.Parse(text)
	if err == nil && s.File != name {
		err = fmt.Errorf("is not the signature of a file with the name %q, so it cannot move with the order file; remove it, or sign NEW under this name", name)
	}
	return err
}
