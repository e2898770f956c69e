package main

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"
)

// TestVersions: what we require, everybody who compiles the plugin into CoreDNS
// gets. A module that CoreDNS uses too must therefore not be required at a
// higher version than CoreDNS's own go.mod, or the plugin would change the code
// of a server whose owner asked for a plugin only.
//
// Both files list every module that a build needs, indirect ones included (since
// Go 1.17, and .ci/run holds ours to go mod tidy), so the two lists are the two
// selections. When this fails, lower the version that was raised; see go mod graph.
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

// requirements returns the versions by module path of a go.mod's require lines.
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
