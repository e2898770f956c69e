package main

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// docsExample matches a command and its output in docs/blocklistctl.md. A backslash at the end
// of a line continues the command.
var docsExample = regexp.MustCompile(`(?m)^(~~~ text\n\$ blocklistctl )((?:.*\\\n)*.*\n)((?:.*\n)*?)(~~~)$`)

// TestDocs runs the examples of docs/blocklistctl.md in a copy of testdata/docs and compares
// the outputs. Standard error comes before standard output. With -update, it writes the
// outputs into the page.
func TestDocs(t *testing.T) {
	page, err := filepath.Abs(filepath.Join("..", "..", "docs", "blocklistctl.md"))
	if err != nil {
		t.Fatal(err)
	}
	files := os.DirFS(filepath.Join("testdata", "docs"))
	dir := t.TempDir()
	if err := os.CopyFS(dir, files); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	examples := 0
	got := docsExample.ReplaceAllStringFunc(documentation(t), func(example string) string {
		examples++
		m := docsExample.FindStringSubmatch(example)
		_, out, errs := ctl(strings.Fields(strings.ReplaceAll(m[2], "\\\n", ""))...)
		out = strings.ReplaceAll(errs+out, dir+"/", "")
		if out != m[3] {
			t.Logf("$ blocklistctl %s\ngot\n%s\nwant\n%s", m[2], out, m[3])
		}
		return m[1] + m[2] + out + m[4]
	})
	switch {
	case examples < 7:
		t.Errorf("found %d examples", examples)
	case got == documentation(t):
	case flag.Lookup("update").Value.String() == "true":
		if err := os.WriteFile(page, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s has other outputs; -update writes them", page)
	}
}
