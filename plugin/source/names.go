package source

import (
	"fmt"
	"path/filepath"
	"slices"
)

// Names reports whether a pattern matches the path of an order file. It does not read the file
// system.
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

// Place returns the index of the first pattern that matches a path. The index is len(patterns) if
// no pattern matches.
func Place(patterns []string, path string) int {
	if i := slices.IndexFunc(patterns, func(p string) bool { return Names(p, path) }); i >= 0 {
		return i
	}
	return len(patterns)
}

// Expand returns the order files that match the patterns now. They have the same sequence as the
// reports of a Source. Each directory or glob without a file gives an error.
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
