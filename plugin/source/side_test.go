package source

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestSides(t *testing.T) {
	both(t, func(t *testing.T, opts ...option) {
		dir := t.TempDir()
		old(t, filepath.Join(dir, "o.yaml"), "names: l/a.txt")
		old(t, filepath.Join(dir, "l", "a.txt"), "a")
		r := newRig(t, dir, []string{"o.yaml"}, opts...)
		fs := r.scan(0)
		if b, err := read(sideOf(fs[0], "l/a.txt")); err != nil || string(b) != "a" {
			t.Fatalf("%q, %v", b, err)
		}
		fs[0].SetSides([]string{"l/a.txt"})
		r.settled()
		r.want() // the caller already has this version from OpenSide

		r.write("l/a.txt", "a2")
		r.pass(Settle - 50*time.Millisecond)
		r.want()
		r.settled()
		fs = r.take()
		if len(fs) != 1 || fs[0].Path != r.path("o.yaml") || fs[0].Sides[0].State != Ready {
			t.Fatalf("got %v", fs)
		}
		if b, err := read(sideOf(fs[0], "l/a.txt")); err != nil || string(b) != "a2" {
			t.Fatalf("%q, %v", b, err)
		}

		r.publish("o.yaml", "names: l/a.txt # new")
		r.write("l/a.txt", "half")
		r.pass(Settle - 50*time.Millisecond)
		r.want()
		r.write("l/a.txt", "half and half")
		r.pass(Settle - 50*time.Millisecond)
		r.want()
		r.settled()
		r.want("o.yaml=names: l/a.txt # new")

		// A new side list is being written.
		r.publish("o.yaml", "names: l/b.txt")
		r.soon()
		r.settled()
		fs = r.take()
		r.write("l/b.txt", "half")
		if _, err := sideOf(fs[0], "l/b.txt"); !errors.Is(err, ErrPending) || !errors.Is(fs[0].Intact(), ErrPending) {
			t.Fatalf("%v, %v", err, fs[0].Intact())
		}
		fs[0].SetSides([]string{"l/b.txt"})
		r.write("l/b.txt", "whole")
		r.settled()
		fs = r.take()
		if len(fs) != 1 {
			t.Fatalf("got %v", fs)
		}
		if b, err := read(sideOf(fs[0], "l/b.txt")); err != nil || string(b) != "whole" {
			t.Fatalf("%q, %v", b, err)
		}
		// The old side list is no longer watched.
		r.write("l/a.txt", "whatever")
		r.settled()
		r.want()

		// The side list is removed and created again.
		must(t, os.Remove(r.path("l/b.txt")))
		r.settled()
		fs = r.take()
		if len(fs) != 1 || fs[0].State != Ready || fs[0].Sides[0].State != Missing {
			t.Fatalf("got %v", fs)
		}
		if _, err := sideOf(fs[0], "l/b.txt"); !errors.Is(err, os.ErrNotExist) || fs[0].Intact() != nil {
			t.Fatalf("%v, %v", err, fs[0].Intact())
		}
		r.publish("l/b.txt", "back")
		r.soon()
		r.settled()
		r.want("o.yaml=names: l/b.txt")
	})
}

func TestWatchSide(t *testing.T) {
	both(t, func(t *testing.T, opts ...option) {
		dir := t.TempDir()
		old(t, filepath.Join(dir, "o.yaml"), "names: l/a.txt")
		old(t, filepath.Join(dir, "l", "a.txt"), "a")
		r := newRig(t, dir, []string{"o.yaml"}, opts...)
		f := r.scan(0)[0]
		if s := f.WatchSide("l/a.txt"); s.State != Ready || s.Path != r.path("l/a.txt") || s.Digest != sha256.Sum256([]byte("a\n")) || s.Size != 2 {
			t.Errorf("got %+v", s)
		}
		if s := f.WatchSide("l/none.txt"); s.State != Missing || s.Err == nil || s.Digest != (Digest{}) {
			t.Errorf("got %+v", s)
		}
		f.SetSides([]string{"l/a.txt"})
		r.settled()
		r.want()
		r.write("l/a.txt", "a2")
		r.settled()
		if fs := r.take(); len(fs) != 1 || len(fs[0].Sides) != 1 || fs[0].Sides[0].Digest != sha256.Sum256([]byte("a2\n")) {
			t.Errorf("got %+v", fs)
		}
		if s := (File{}).WatchSide("a.txt"); s.State != Unreadable || s.Err == nil {
			t.Errorf("got %+v", s)
		}
	})
}

func TestSideRenamedBeforeOrder(t *testing.T) {
	dir := t.TempDir()
	old(t, filepath.Join(dir, "o.yaml"), "none")
	r := start(t, dir, []string{"o.yaml"})
	r.publish("new.txt", "names")
	r.publish("o.yaml", "names: new.txt")
	r.pass(50 * time.Millisecond)
	fs := r.take()
	if len(fs) != 1 {
		t.Fatalf("got %v", fs)
	}
	if b, err := read(sideOf(fs[0], "new.txt")); err != nil || string(b) != "names" {
		t.Fatalf("%q, %v", b, err)
	}
}

func TestSideSwap(t *testing.T) {
	dir := t.TempDir()
	swap := func(v, a, b string) {
		old(t, filepath.Join(dir, v, "o.yaml"), a)
		old(t, filepath.Join(dir, v, "l.txt"), b)
		must(t, os.Symlink(v, filepath.Join(dir, "..tmp")))
		must(t, os.Rename(filepath.Join(dir, "..tmp"), filepath.Join(dir, "..data")))
	}
	swap("..1", "o1", "l1")
	must(t, os.Symlink("..data/o.yaml", filepath.Join(dir, "o.yaml")))
	must(t, os.Symlink("..data/l.txt", filepath.Join(dir, "l.txt")))
	r := newRig(t, dir, []string{"."})
	r.scan(0)[0].SetSides([]string{"l.txt"})
	r.pass(time.Second)
	r.want()
	swap("..2", "o2", "l2")
	r.pass(50 * time.Millisecond)
	fs := r.take()
	if len(fs) != 1 {
		t.Fatalf("%d reports", len(fs))
	}
	if b, err := read(sideOf(fs[0], "l.txt")); err != nil || string(b) != "l2" {
		t.Fatalf("%q, %v", b, err)
	}
}

func TestRaggedSide(t *testing.T) {
	dir := t.TempDir()
	old(t, filepath.Join(dir, "o.yaml"), "1")
	must(t, os.WriteFile(filepath.Join(dir, "l.txt"), []byte("a.example"), 0o644))
	age(t, filepath.Join(dir, "l.txt"))
	r := newRig(t, dir, []string{"o.yaml"})
	f := r.scan(0)[0]
	if b, err := read(sideOf(f, "l.txt")); err != nil || string(b) != "a.example" {
		t.Fatalf("%q, %v", b, err)
	}
	must(t, os.WriteFile(r.path("l.txt"), []byte("a.exa"), 0o644))
	r.pass(RaggedSettle - 50*time.Millisecond)
	r.want()
	r.settled()
	r.want("o.yaml=1")
}

func TestSideInside(t *testing.T) {
	out := t.TempDir()
	old(t, filepath.Join(out, "secret"), "s")
	dir := t.TempDir()
	old(t, filepath.Join(dir, "o.yaml"), "1")
	old(t, filepath.Join(dir, "sub", "real.txt"), "r")
	must(t, os.Symlink(filepath.Join(out, "secret"), filepath.Join(dir, "file.txt")))
	must(t, os.Symlink(filepath.Join(out, "none"), filepath.Join(dir, "none.txt")))
	must(t, os.Symlink(out, filepath.Join(dir, "folder")))
	must(t, os.Symlink("sub/real.txt", filepath.Join(dir, "in.txt")))
	must(t, os.Symlink(dir, filepath.Join(out, "orders")))
	for _, pattern := range []string{dir, filepath.Join(out, "orders")} {
		r := newRig(t, pattern, []string{"."})
		open := r.s.fs.open
		r.s.fs.open = func(path string) (openFile, error) {
			if real, _ := filepath.EvalSymlinks(path); strings.HasSuffix(real, "secret") {
				t.Errorf("%s was opened", path)
			}
			return open(path)
		}
		f := r.scan(0)[0]
		for name, to := range map[string]string{"file.txt": "secret", "none.txt": "none", "folder/secret": "secret"} {
			want := fmt.Sprintf("%s: must lie in the order file's directory %s, but leads to %s",
				filepath.Join(pattern, name), dir, filepath.Join(out, to))
			if _, err := sideOf(f, name); err == nil || err.Error() != want {
				t.Errorf("%v, want %s", err, want)
			}
		}
		if f.Intact() != nil {
			t.Error("a list outside is a fault of the order file, and not of its stream")
		}
		for _, name := range []string{"in.txt", "sub/real.txt"} {
			if b, err := read(sideOf(f, name)); err != nil || string(b) != "r" {
				t.Errorf("%q, %v", b, err)
			}
		}
		must(t, os.Remove(filepath.Join(dir, "in.txt")))
		must(t, os.Symlink(filepath.Join(out, "secret"), filepath.Join(dir, "in.txt")))
		r.settled()
		if got := r.take(); len(got) != 1 || !slices.ContainsFunc(got[0].Sides, func(s Side) bool {
			return strings.HasSuffix(s.Path, "in.txt") && s.State == Unreadable
		}) {
			t.Errorf("got %v", got)
		}
		must(t, os.Remove(filepath.Join(dir, "in.txt")))
		must(t, os.Symlink("sub/real.txt", filepath.Join(dir, "in.txt")))
	}
}

func TestSideThroughSameLink(t *testing.T) {
	dir, out := t.TempDir(), t.TempDir()
	old(t, filepath.Join(out, "v1", "o.yaml"), "1")
	old(t, filepath.Join(out, "v1", "l.txt"), "l")
	must(t, os.Symlink(filepath.Join(out, "v1"), filepath.Join(dir, "..data")))
	must(t, os.Symlink("..data/o.yaml", filepath.Join(dir, "o.yaml")))
	must(t, os.Symlink("..data/l.txt", filepath.Join(dir, "l.txt")))
	r := newRig(t, dir, []string{"."})
	if b, err := read(sideOf(r.scan(0)[0], "l.txt")); err != nil || string(b) != "l" {
		t.Errorf("%q, %v", b, err)
	}
}

func TestSideNeverStill(t *testing.T) {
	dir := t.TempDir()
	old(t, filepath.Join(dir, "o.yaml"), "names: l.txt")
	old(t, filepath.Join(dir, "l.txt"), "a")
	r := newRig(t, dir, []string{"o.yaml"})
	r.scan(0)[0].SetSides([]string{"l.txt"})
	for range 30 {
		r.write("l.txt", strings.Repeat("a", int(r.c.Now().Unix()%100)+2))
		r.pass(Settle / 2)
	}
	fs := r.take()
	if len(fs) != 1 || fs[0].State != Pending || !errors.Is(fs[0].Err, ErrPending) || !strings.Contains(fs[0].Err.Error(), "l.txt: ") {
		t.Fatalf("got %v", fs)
	}
	r.settled()
	r.want("o.yaml=names: l.txt")
}
