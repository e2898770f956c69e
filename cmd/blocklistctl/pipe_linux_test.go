package main

import (
	"bytes"
	"os"
	"strings"
	"syscall"
	"testing"
)

// TestPipe: a pipe in place of a file is said to be none, and nobody waits for a
// writer.
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
