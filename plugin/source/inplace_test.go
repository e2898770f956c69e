package source

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const small = "version: 1\norders:\n- id: a\n  scope: global\n  targets: [a.example, b.example]\n"

func TestTruncatedInPlace(t *testing.T) {
	both(t, func(t *testing.T, opts ...option) {
		dir := t.TempDir()
		old(t, filepath.Join(dir, "o.yaml"), "before")
		r := start(t, dir, []string{"o.yaml"}, opts...)
		for i := range len(small) + 1 {
			r.write("o.yaml", small[:i])
			r.pass(Settle - 50*time.Millisecond)
			r.wantNoBytes()
		}
		r.pass(Settle)
		r.want("o.yaml=" + small)
	})
}

func TestCreatedAndAppended(t *testing.T) {
	both(t, func(t *testing.T, opts ...option) {
		dir := t.TempDir()
		old(t, filepath.Join(dir, "a.yaml"), "a")
		r := start(t, dir, []string{"."}, opts...)
		f, err := os.Create(r.path("o.yaml"))
		must(t, err)
		defer f.Close()
		for i := range len(small) {
			r.pass(Settle - 100*time.Millisecond)
			_, err := f.WriteString(small[i : i+1])
			must(t, err)
			r.wantNoBytes()
		}
		r.settled()
		r.want("o.yaml=" + strings.TrimSuffix(small, "\n"))
	})
}

func TestWriteAfterRename(t *testing.T) {
	dir := t.TempDir()
	old(t, filepath.Join(dir, "o.yaml"), "1")
	r := start(t, dir, []string{"o.yaml"})
	r.publish("o.yaml", "half")
	r.write("o.yaml", "whole")
	r.pass(Settle - 50*time.Millisecond)
	r.want()
	r.pass(100 * time.Millisecond)
	r.want("o.yaml=whole")

	standStill(r, new(int))
	r.settled()
	r.take()
	open, once := r.s.fs.open, true
	r.s.fs.open = func(path string) (openFile, error) {
		if once {
			once = false
			r.write("o.yaml", "HALF")
		}
		return open(path)
	}
	r.publish("o.yaml", "half")
	r.pass(Settle - 50*time.Millisecond)
	r.want()
	r.pass(100 * time.Millisecond)
	r.want("o.yaml=HALF")
}

func TestWriteWithoutEventAfterRename(t *testing.T) {
	dir := t.TempDir()
	old(t, filepath.Join(dir, "o.yaml"), "1")
	r := start(t, dir, []string{"o.yaml"})
	r.publish("o.yaml", "2")
	r.pass(50 * time.Millisecond)
	r.want("o.yaml=2")
	other := filepath.Join(t.TempDir(), "other")
	must(t, os.Link(r.path("o.yaml"), other))
	r.write(other, "half")
	r.pass(DefaultPoll + Settle/2) // a poll has noticed the change
	r.want()
	r.settled()
	r.want("o.yaml=half")
}

func TestCreateWithoutWriteEvent(t *testing.T) {
	dir := t.TempDir()
	old(t, filepath.Join(dir, "a.yaml"), "a")
	r := start(t, dir, []string{"."})
	r.oneTick()
	tmp := filepath.Join(t.TempDir(), "x")
	must(t, os.WriteFile(tmp, line("half"), 0o644)) // this directory is not watched
	must(t, os.Link(tmp, r.path("o.yaml")))
	r.pass(Settle - 50*time.Millisecond)
	r.want()
	r.pass(Settle)
	r.want("o.yaml=half")
}

func TestVim(t *testing.T) {
	both(t, func(t *testing.T, opts ...option) {
		dir := t.TempDir()
		old(t, filepath.Join(dir, "o.yaml"), "1")
		r := start(t, dir, []string{"."}, opts...)
		must(t, os.Rename(r.path("o.yaml"), r.path("o.yaml~")))
		r.pass(30 * time.Millisecond)
		f, err := os.Create(r.path("o.yaml"))
		must(t, err)
		defer f.Close()
		r.pass(30 * time.Millisecond)
		_, err = f.WriteString("first half, ")
		must(t, err)
		r.pass(900 * time.Millisecond)
		_, err = f.WriteString("second half\n")
		must(t, err)
		must(t, os.Remove(r.path("o.yaml~")))
		r.pass(Settle - 50*time.Millisecond)
		r.want() // the file must be neither half read nor missing
		r.settled()
		r.want("o.yaml=first half, second half")
	})
}

func TestReplacedByEmpty(t *testing.T) {
	both(t, func(t *testing.T, opts ...option) {
		dir := t.TempDir()
		old(t, filepath.Join(dir, "o.yaml"), "1")
		r := start(t, dir, []string{"o.yaml"}, opts...)
		r.publish("o.yaml", "") // an empty file is renamed into place
		r.pass(Settle - 50*time.Millisecond)
		r.want()
		r.settled()
		r.want("o.yaml=")
		r.write("o.yaml", "2")
		r.settled()
		r.want("o.yaml=2")
	})
}
