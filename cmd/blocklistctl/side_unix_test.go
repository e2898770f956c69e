//go:build unix

package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A side list must not link to a file outside the order file's directory. The directory itself may
// be a link, as in Kubernetes.
func TestSideListOutside(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	link := func(to, name string) {
		t.Helper()
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	write("secret.txt", "secret.example\n")
	write("o/here.txt", "here.example\n")
	write("o/below/list.txt", "below.example\n")
	write("o/order.yaml", "")
	write("volume/..1/order.yaml", "")
	write("volume/..1/list.txt", "volume.example\n")
	link("../secret.txt", "o/out.txt")
	link("..", "o/up")
	link("here.txt", "o/in.txt")
	link("..1", "volume/..data")
	link("..data/order.yaml", "volume/order.yaml")
	link("..data/list.txt", "volume/list.txt")
	link("volume", "mount")
	link("o/order.yaml", "linked.yaml")
	for _, tc := range []struct{ order, side, want string }{
		{"o/order.yaml", "here.txt", ""},
		{"o/order.yaml", "in.txt", ""},
		{"o/order.yaml", "below/list.txt", ""},
		{"o/order.yaml", "out.txt", "must lie in the order file's directory"},
		{"o/order.yaml", "up/secret.txt", "must lie in the order file's directory"},
		{"o/order.yaml", "none.txt", "no such file or directory"},
		{"volume/order.yaml", "list.txt", ""},
		{"mount/order.yaml", "list.txt", ""},
		{"linked.yaml", "secret.txt", ""},
	} {
		in, err := openSide(filepath.Join(dir, tc.order))(tc.side)
		switch {
		case err == nil && tc.want == "":
			if text, err := io.ReadAll(in); err != nil || len(text) == 0 {
				t.Errorf("%s of %s: %q, %v", tc.side, tc.order, text, err)
			}
			in.Close()
		case err == nil:
			in.Close()
			t.Errorf("%s of %s is read, want %q", tc.side, tc.order, tc.want)
		case tc.want == "" || !strings.Contains(err.Error(), tc.want):
			t.Errorf("%s of %s: got %v, want %q", tc.side, tc.order, err, tc.want)
		}
	}
	t.Chdir(filepath.Join(dir, "mount"))
	in, err := openSide("order.yaml")("list.txt")
	if err != nil {
		t.Fatal(err)
	}
	in.Close()
}
