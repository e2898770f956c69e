package rig

import (
	"os"
	"path/filepath"
	"testing"
)

func TestPublish(t *testing.T) {
	file := filepath.Join(t.TempDir(), "README.md")
	const want = "a\n<!-- x -->\n\n| 1 |\n| 2 |\n\n<!-- /x -->\nb\n"
	for _, text := range []string{"a\n<!-- x -->\n<!-- /x -->\nb\n", "a\n<!-- x -->\nold\n<!-- /x -->\nb\n", want} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := Publish(file, "x", "| 1 |\n| 2 |\n"); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(file); string(got) != want {
			t.Errorf("of %q became %q", text, got)
		}
	}
	if err := Publish(file, "y", ""); err == nil {
		t.Error("a README without marks was written")
	}
	if got, _ := os.ReadFile(file); string(got) != want {
		t.Errorf("without a place it became %q", got)
	}
}

func TestPlaces(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"peers", "growth"} {
		if _, ok := between(string(text), name, ""); !ok {
			t.Error("no place for", name)
		}
	}
}
