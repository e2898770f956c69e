//go:build unix

package main

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var deskPart = regexp.MustCompile(`(?m)^## \w+, (\d+ \w+ \d{4}, \d\d:\d\d): .*$|^~~~ text\n\$ blocklistctl (.*)\n((?:.*\n)*?)~~~$`)

// TestDesk runs the commands of docs/desk.md at a terminal. With -update, the test writes the page.
func TestDesk(t *testing.T) {
	page, err := filepath.Abs(filepath.Join("..", "..", "docs", "desk.md"))
	if err != nil {
		t.Fatal(err)
	}
	text := content(t, page)
	t.Setenv("TZ", "Europe/Rome")
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	var now time.Time
	boxes := 0
	got := deskPart.ReplaceAllStringFunc(text, func(part string) string {
		m := deskPart.FindStringSubmatch(part)
		if m[1] != "" {
			if now, err = time.ParseInLocation("2 January 2006, 15:04", m[1], rome); err != nil {
				t.Fatal(err)
			}
			return part
		}
		boxes++
		args := strings.Fields(m[2])
		out, code := talk(t, func() time.Time { return now }, args, typed(m[3]))
		if code != 0 {
			t.Errorf("$ blocklistctl %s: exit %d\n%s", m[2], code, out)
		}
		var lines []string
		for line := range strings.SplitSeq(strings.TrimSuffix(out, "\n"), "\n") {
			lines = append(lines, strings.TrimRight(line, " "))
		}
		return "~~~ text\n$ blocklistctl " + m[2] + "\n" + strings.Join(lines, "\n") + "\n~~~"
	})
	switch {
	case boxes < 12:
		t.Errorf("found %d boxes", boxes)
	case got == text:
	case flag.Lookup("update").Value.String() == "true" && !t.Failed():
		if err := os.WriteFile(page, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s has another text than the terminal; -update writes the text of the terminal:\n%s", page, got)
	}
}
