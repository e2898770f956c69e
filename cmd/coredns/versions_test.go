package main

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"
)

// No module may have a higher version than CoreDNS requires, because a higher version would change
// the server. If this test fails, lower the version. The command go mod graph shows which module
// requires the higher version.
func TestVersions(t *testing.T) {
	ours := requirements(t, filepath.Join("..", "..", "go.mod"))
	theirs := requirements(t, goList(t, "{{.GoMod}}"))
	shared := 0
	for path, v := range ours {
		their, ok := theirs[path]
		if !ok {
			continue
		}
		shared++
		if semver.Compare(v, their) > 0 {
			t.Errorf("%s: we require %s, CoreDNS %s", path, v, their)
		}
	}
	if shared < 100 {
		t.Errorf("only %d shared modules: is go.mod complete?", shared)
	}
}

func requirements(t *testing.T, file string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	mod, err := modfile.ParseLax(file, data, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := make(map[string]string, len(mod.Require))
	for _, r := range mod.Require {
		m[r.Mod.Path] = r.Mod.Version
	}
	return m
}
