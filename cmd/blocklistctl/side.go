package main

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/dns-orders/blocklist/plugin/order"
)

// The returned function refuses the same paths as the server.
func openSide(path string) func(name string) (io.ReadCloser, error) {
	return func(name string) (io.ReadCloser, error) {
		side := filepath.Join(filepath.Dir(path), name)
		if err := outside(path, side); err != nil {
			return nil, err
		}
		return openFile(side, order.MaxBytes(side, true))
	}
}

// A symbolic link must not lead a side list out of the order file's directory. If the order file is
// a link, its real directory is allowed too.
func outside(path, side string) error {
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
