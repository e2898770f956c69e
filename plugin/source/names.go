package source

import (
	"path/filepath"
	"slices"
)

// Names reports whether a pattern names the order file at a path, also when no file is
// there at this moment. The path must be one that a Source with the same or another
// pattern has reported as a file: Names reads no file system, and cannot tell a file
// from a directory.
func Names(text, path string) bool {
	p, err := newPattern(text)
	if err != nil {
		return false
	}
	if p.text == path {
		return true
	}
	base := filepath.Base(path)
	switch dir := filepath.Dir(path) == p.text; p.kind {
	case plainFile:
		return false
	case directory:
		return dir && !hidden(base) && orderEnding(base)
	default:
		if dir && !hidden(base) && orderEnding(base) {
			return true
		}
	}
	ok, _ := filepath.Match(p.text, path)
	ending := filepath.Ext(p.text)
	spelled := !hasMeta(ending) && ending != ""
	return ok && hasMeta(p.text) && (spelled || orderEnding(path)) && !hiddenBeyond(p.text, path)
}

// Place returns the number of the first pattern that names the path, and the number of
// patterns when none does. A Source reports files in the order of their places, and
// files of one place bytewise by path.
func Place(patterns []string, path string) int {
	if i := slices.IndexFunc(patterns, func(p string) bool { return Names(p, path) }); i >= 0 {
		return i
	}
	return len(patterns)
}
