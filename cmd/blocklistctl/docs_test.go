package main

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/test/upstream"
)

var docsExample = regexp.MustCompile(`(?m)^(~~~ text\n\$ blocklistctl )((?:.*\\\n)*.*\n)((?:.*\n)*?)(~~~)$`)

// TestDocs runs the examples in the pages about the tool. With -update, it writes the outputs into
// the pages.
//
// In an output, standard error comes before standard output. The resolver 192.0.2.53 has the
// records of upstream.zone.
func TestDocs(t *testing.T) {
	paths, err := filepath.Glob(pages)
	if err != nil {
		t.Fatal(err)
	}
	examples := 0
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) { examples += runExamples(t, path) })
	}
	if examples < 7 {
		t.Errorf("found %d examples", examples)
	}
}

func runExamples(t *testing.T, path string) (examples int) {
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	page := content(t, path)
	files := os.DirFS(filepath.Join("testdata", "docs"))
	dir := t.TempDir()
	if err := os.CopyFS(dir, files); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	if strings.Contains(page, "--journal node1") {
		makeNodes(t)
	}
	got := docsExample.ReplaceAllStringFunc(page, func(example string) string {
		examples++
		m := docsExample.FindStringSubmatch(example)
		args := strings.ReplaceAll(m[2], "\\\n", "")
		resolver := "192.0.2.53:53"
		if strings.Contains(args, "--resolver") {
			resolver = upstream.Start(t, content(t, "upstream.zone")).Addr
			args = strings.ReplaceAll(args, "192.0.2.53", resolver)
		}
		_, out, errs := ctl(strings.Fields(args)...)
		out = strings.ReplaceAll(strings.ReplaceAll(errs+out, dir+"/", ""), resolver, "192.0.2.53:53")
		if out != m[3] {
			t.Logf("$ blocklistctl %s\ngot\n%s\nwant\n%s", m[2], out, m[3])
		}
		return m[1] + m[2] + out + m[4]
	})
	switch {
	case got == page:
	case flag.Lookup("update").Value.String() == "true":
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s has other outputs; -update writes them", path)
	}
	return examples
}
