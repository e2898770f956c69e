package main

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/dns-orders/blocklist/plugin/order"
)

// openSide returns a function that opens the side lists of an order file. A side list is a text
// file with names. The function refuses the same paths as the server.
func openSide(path string) func(name string) (io.ReadCloser, error) {
	return func(name string) (io.ReadCloser, error) {
		side := filepath.Join(filepath.Dir(path), name)
		if err := outside(path, side); err != nil {
			return nil, err
		}
		return openFile(side, order.MaxBytes(side, true))
	}
}

// outside returns an error if a side list is outside the directory of the order file because of a
// symbolic link. If the order file is a link itself, its real directory is allowed too. For a
// missing side list, outside returns nil.
func outside(path, side string) error {
	// EvalSymlinks needs absolute paths, because the working directory may be reached through
	// a link.
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if side, err = filepath.Abs(side); err != nil {
		return err
	}
	end, err := filepath.EvalSymlinks(side)
	if err != nil {
		return nil
	}
	root, err := filepath.EvalSymlinks(filepath.Dir(abs))
	if err != nil {
		return err
	}
	roots := []string{root}
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		roots = append(roots, filepath.Dir(real))
	}
	for _, dir := range roots {
		if rel, err := filepath.Rel(dir, end); err == nil && filepath.IsLocal(rel) {
			return nil
		}
	}
	return fmt.Errorf("must lie in the order file's directory %s, but leads to %s", root, end)
}
