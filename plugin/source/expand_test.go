package source

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestExpand: a tool that looks once sees the files that a Source would report.
func TestExpand(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b.yaml", "a.json", ".hidden.yaml", "README.md", "list.txt", "sub/c.yaml"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	join := func(names ...string) (out []string) {
		for _, n := range names {
			out = append(out, filepath.Join(dir, n))
		}
		return out
	}
	for _, tc := range []struct {
		patterns, want []string
		errs           int
	}{
		{join("."), join("a.json", "b.yaml"), 0},
		{join("b.yaml", "."), join("b.yaml", "a.json"), 0},
		{join("*"), join("a.json", "b.yaml"), 0},
		{join("*.txt"), join("list.txt"), 0},
		{join("none.yaml"), join("none.yaml"), 0}, // that it is missing shows when it is opened
		{join("none"), nil, 1},
		{join("*.jsonl", "a.json"), join("a.json"), 1},
		{[]string{"[", ""}, nil, 2},
	} {
		paths, errs := Expand(tc.patterns)
		if !slices.Equal(paths, tc.want) || len(errs) != tc.errs {
			t.Errorf("Expand(%q) = %q, %v, want %q and %d errors", tc.patterns, paths, errs, tc.want, tc.errs)
		}
	}
}
