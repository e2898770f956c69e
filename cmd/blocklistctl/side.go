package main

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/dns-orders/blocklist/plugin/order"
)

// openSide opens the side lists of an order file, by the server's rules.
func openSide(path string) func(name string) (io.ReadCloser, error) {
	return func(name string) (io.ReadCloser, error) {
		side := filepath.Join(filepath.Dir(path), name)
		if err := outside(path, side); err != nil {
			return nil, err
		}
		return openFile(side, order.MaxBytes(side, true))
	}
}

// outside returns an error when links lead a side list out of the directory of its order
// file. As in package source, both the directory of the path and the real directory of the
// order file count. openFile returns the error of a path that leads nowhere.
func outside(path, side string) error {
	// The working directory may be reached through links, so all paths are absolute first.
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
