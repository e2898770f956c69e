package source

import (
	"fmt"
	"path/filepath"
)

// Expand returns the order files that the patterns name at this moment, as a
// Source with the same patterns would report them: by its rules, in its order,
// each once. It reads, watches and waits for nothing; it is for tools that look
// at files once. errs are about patterns that name no file. A path that it
// returns need not exist: a name with an order file's ending always is a file.
func Expand(patterns []string) (paths []string, errs []error) {
	seen := map[string]bool{}
	f := osFiles()
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
		for _, path := range x.paths {
			abs, err := filepath.Abs(path)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			if !seen[abs] {
				seen[abs] = true
				paths = append(paths, path)
			}
		}
	}
	return paths, errs
}
