package source

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

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
		{join("none.yaml"), join("none.yaml"), 0}, // Expand does not check whether this file exists
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

func TestNames(t *testing.T) {
	for _, tc := range []struct {
		pattern, path string
		want          bool
	}{
		{"/o/a.yaml", "/o/a.yaml", true},
		{"/o/a.yaml", "/o/b.yaml", false},
		{"/o/orders", "/o/orders", true},
		{"/o/a.yaml", "/o/a.yaml/b.yaml", false}, // a path that ends in .yaml is not a directory
		{"/o/", "/o/a.yaml", true},
		{"/o", "/o/a.json", true},
		{"/o", "/o/a.txt", false},
		{"/o", "/o/.a.yaml", false},
		{"/o", "/o/sub/a.yaml", false},
		{"/o/*.yaml", "/o/a.yaml", true},
		{"/o/*.yaml", "/o/a.json", false},
		{"/o/*", "/o/a.json", true},
		{"/o/*", "/o/README.md", false},
		{"/o/*.txt", "/o/a.txt", true},
		{"/o/*", "/o/.a.yaml", false},
		{"/o/.*.yaml", "/o/.a.yaml", true},
		{"/*/a.yaml", "/o/a.yaml", true},
		{"/*/a.yaml", "/.o/a.yaml", false},
		{"/o/a[1].yaml", "/o/a[1].yaml", true}, // a pattern may be the name of an existing file
		{"/o/a[1].yaml", "/o/a1.yaml", true},
		{"/o/[", "/o/[", false},
		{"", "/o/a.yaml", false},
	} {
		if got := Names(tc.pattern, tc.path); got != tc.want {
			t.Errorf("Names(%q, %q) = %t, want %t", tc.pattern, tc.path, got, tc.want)
		}
	}
}

func TestPlace(t *testing.T) {
	patterns := []string{"/o/b.yaml", "/o/", "/p/*.yaml"}
	for path, want := range map[string]int{"/o/b.yaml": 0, "/o/a.yaml": 1, "/p/a.yaml": 2, "/q/a.yaml": 3} {
		if got := Place(patterns, path); got != want {
			t.Errorf("Place(%q) = %d, want %d", path, got, want)
		}
	}
}
