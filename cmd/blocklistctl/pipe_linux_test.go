package main

import (
	"bytes"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/dns-orders/blocklist/plugin/printable"
)

// TestPipe checks that check refuses a pipe. The command must not wait for a writer.
func TestPipe(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := syscall.Mkfifo("pipe.yaml", 0o600); err != nil {
		t.Fatal(err)
	}
	const text = "version: 1\norders: [{id: a, authority: {name: A}, scope: global, targets_from: {file: pipe.yaml}}]\n"
	if err := os.WriteFile("side.yaml", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"pipe.yaml"}, {"side.yaml"}, {"nothing.yaml", "--protect", "pipe.yaml"}} {
		var out, errs bytes.Buffer
		code := run(append([]string{"check"}, args...), nil, &out, &errs, clock)
		if code != exitProblems || !strings.Contains(out.String(), "is not a regular file") {
			t.Errorf("check %q: exit %d\n%s%s", args, code, out.String(), errs.String())
		}
	}
}

func TestImportPipe(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := syscall.Mkfifo("pipe.yaml", 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("list.txt", []byte("a.example\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"pipe.yaml"}, {"list.txt", "--out", "pipe.yaml"}, {"list.txt", "--out", "pipe.yaml", "--overwrite"},
		{"list.txt", "--out", "out.yaml", "--list", "pipe.yaml"}, {"/dev/zero"}} {
		var out, errs bytes.Buffer
		code := run(append([]string{"import", "domains", "--id", "a", "--authority", "A", "--scope", "global"}, args...), nil, &out, &errs, clock)
		if code != exitProblems || !strings.Contains(errs.String(), "is not a regular file") {
			t.Errorf("import %q: exit %d\n%s%s", args, code, out.String(), errs.String())
		}
	}
}

func TestImportSize(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("big.txt", []byte("a.example\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate("big.txt", 1<<40); err != nil { // the file takes no space on the disk
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	code := run([]string{"import", "domains", "big.txt", "--id", "a", "--authority", "A", "--scope", "global"}, nil, &out, &errs, clock)
	if code != exitProblems || !strings.Contains(errs.String(), "is larger than 64 MiB") {
		t.Errorf("exit %d\n%s%s", code, out.String(), errs.String())
	}
}

func TestImportShows(t *testing.T) {
	t.Chdir(t.TempDir())
	const name = "a\x1b[31m\nforged.txt"
	for _, text := range []string{"a.example\nb.exa\x1b[31mmple\n\u202egnp.example\nc d\u2028e\nxn--a\u202e.example (\x1b]0;x\x07)\nb\u0430d.example\n",
		"; \x1b[31m\n", "\x1b[31m;removed\n", "\u202e\x00"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, more := range [][]string{nil, {"--plain", "--text-after", "note", "--expect", "9"}, {"--skip-refused", "--out", "out\x1b.yaml"}} {
			var out, errs bytes.Buffer
			run(append([]string{"import", "domains", "--id", "a", "--authority", "A", "--scope", "global", name}, more...), nil, &out, &errs, clock)
			for line := range strings.Lines(errs.String()) {
				if line = strings.TrimSuffix(line, "\n"); !printable.Is(line) || strings.HasPrefix(line, "forged") {
					t.Errorf("%q %q: %q", text, more, line)
				}
			}
		}
	}
}
