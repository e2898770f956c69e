package source

import (
	"fmt"
	"path/filepath"
	"slices"
)

// Names reports whether a pattern names the order file at a path, even if no file is there at
// the moment. A Source with the same or another pattern must have reported the path as a file,
// because Names does not read the file system and cannot distinguish a file from a directory.
func Names(text, path string) bool {
	p, err := newPattern(text)
	if err != nil {
		return false
	}
	base := filepath.Base(path)
	switch {
	case p.text == path:
		return true
	case p.kind == plainFile:
		return false
	case p.text == filepath.Dir(path) && !hidden(base) && orderEnding(base):
		return true
	case p.kind == directory || !hasMeta(p.text) || !orderEnding(base) && !p.spellsEnding():
		return false
	}
	if ok, _ := filepath.Match(p.text, path); !ok {
		return false
	}
	want := components(p.text)
	for i, name := range components(path) {
		if hidden(name) && !hidden(want[i]) {
			return false
		}
	}
	return true
}

// Place returns the index of the first pattern that names the path, or the number of patterns
// if no pattern names the path. A Source reports files sorted by this index, and files with
// the same index sorted bytewise by path.
func Place(patterns []string, path string) int {
	if i := slices.IndexFunc(patterns, func(p string) bool { return Names(p, path) }); i >= 0 {
		return i
	}
	return len(patterns)
}

// Expand returns the order files that the patterns name at the moment: the files that a Source with
// the same patterns would report, in the same order, each once. Expand is for tools that do not
// watch files. It does not read the files. errs has an error for each pattern that names no file.
// A returned path may have no file, because a name with the ending of an order file is always
// a file.
func Expand(patterns []string) (paths []string, errs []error) {
	f := osFiles().once()
	for _, text := range patterns {
		p, err := newPattern(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("order files: %w", err))
			continue
		}
		x := p.expand(&f, nil)
		if x.err != nil {
			errs = append(errs, x.err)
		}
		paths = append(paths, x.paths...)
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(paths, func(path string) bool {
		abs, err := filepath.Abs(path)
		if err != nil {
			errs = append(errs, err)
			return true
		}
		defer func() { seen[abs] = true }()
		return seen[abs]
	}), errs
}
