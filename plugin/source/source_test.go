package source

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestMembership(t *testing.T) {
	both(t, func(t *testing.T, opts ...option) {
		dir := t.TempDir()
		for _, name := range []string{"d/b.yaml", "d/a.json", "d/.hidden.yaml", "d/readme.md", "d/sub.yaml/x.yaml", "g1/x.yaml",
			"g2/x.yaml", ".g3/x.yaml", "g1/.h.yaml", "g1/side.txt", "list.conf"} {
			old(t, filepath.Join(dir, name), name)
		}
		must(t, os.Symlink("sub.yaml", filepath.Join(dir, "d/linkeddir.yaml")))
		must(t, os.Symlink(".hidden.yaml", filepath.Join(dir, "d/link.yml")))
		r := newRig(t, dir, []string{"g*/*", "d", "d/b.yaml", "list.conf", "g1/.*.yaml", "empty*", "none/"}, opts...)
		r.got = r.scan(0)
		r.want("g1/x.yaml=g1/x.yaml", "g2/x.yaml=g2/x.yaml", "d/a.json=d/a.json", "d/b.yaml=d/b.yaml", "d/link.yml=d/.hidden.yaml",
			"list.conf=list.conf", "g1/.h.yaml=g1/.h.yaml", "empty*:empty", "none:missing")

		r.publish("d/0.yaml", "new")
		r.publish("d/note.txt", "no order")
		must(t, os.Mkdir(r.path("d/dir.yaml"), 0o755))
		r.publish("g2/y.jsonl", "new too")
		r.settled()
		r.wantSet("d/0.yaml=new", "g2/y.jsonl=new too")

		must(t, os.Mkdir(r.path("g4"), 0o755))
		old(t, r.path("g4/z.yaml"), "z")
		r.settled()
		r.want("g4/z.yaml=z")

		old(t, r.path("none/n.yaml"), "n")
		r.settled()
		r.wantSet("none/n.yaml=n", "none:ready")

		must(t, os.Remove(r.path("d/b.yaml")))
		must(t, os.Remove(r.path("d/a.json")))
		r.settled()
		r.want("d/a.json:missing", "d/b.yaml:missing")
		if r.s.Forget(r.path("d/link.yml")) || r.s.Forget(r.path("list.conf")) || !r.s.Forget(r.path("d/a.json")) {
			t.Error("Forget drops vanished files of folders, and nothing else")
		}
		var names []string
		for _, f := range r.now() {
			names = append(names, strings.TrimPrefix(f.Path, dir+"/")+":"+f.State.String())
		}
		want := "g1/x.yaml:ready g2/x.yaml:ready g2/y.jsonl:ready g4/z.yaml:ready d/0.yaml:ready d/link.yml:ready d/b.yaml:missing " +
			"list.conf:ready g1/.h.yaml:ready none/n.yaml:ready"
		if got := strings.Join(names, " "); got != want {
			t.Errorf("states\n%s, want\n%s", got, want)
		}
	})
}

func TestVanishAndComeBack(t *testing.T) {
	both(t, func(t *testing.T, opts ...option) {
		dir := t.TempDir()
		old(t, filepath.Join(dir, "o.yaml"), "1")
		old(t, filepath.Join(dir, "d", "p.yaml"), "1")
		r := start(t, dir, []string{"o.yaml", "d"}, opts...)
		must(t, os.Remove(r.path("o.yaml")))
		must(t, os.Remove(r.path("d/p.yaml")))
		r.pass(500 * time.Millisecond)
		r.want()
		r.settled()
		r.wantSet("d/p.yaml:missing", "d:empty", "o.yaml:missing")
		r.pass(5 * time.Second)
		r.want() // no second report
		r.publish("o.yaml", "1")
		r.soon()
		r.settled()
		r.want("o.yaml=1")
		r.write("d/p.yaml", "2")
		r.settled()
		r.wantSet("d/p.yaml=2", "d:ready")
	})
}

// The test returns EACCES itself, because root can read a file with mode 000.
func TestUnreadable(t *testing.T) {
	both(t, func(t *testing.T, opts ...option) {
		dir := t.TempDir()
		old(t, filepath.Join(dir, "o.yaml"), "1")
		old(t, filepath.Join(dir, "p.yaml"), "1")
		must(t, os.Symlink("loop.yaml", filepath.Join(dir, "loop.yaml")))
		r := newRig(t, dir, []string{"loop.yaml", "o.yaml", "p.yaml"}, opts...)
		r.got = r.scan(0)
		r.want("loop.yaml:unreadable", "o.yaml=1", "p.yaml=1")

		must(t, os.Remove(r.path("o.yaml")))
		must(t, os.Symlink("o.yaml", r.path("o.yaml")))
		open := r.s.fs.open
		r.s.fs.open = func(path string) (openFile, error) {
			if filepath.Base(path) == "p.yaml" {
				return nil, &os.PathError{Op: "open", Path: path, Err: syscall.EACCES}
			}
			return open(path)
		}
		must(t, os.Chmod(r.path("p.yaml"), 0))
		r.settled()
		r.want("o.yaml:unreadable", "p.yaml:unreadable")
		r.pass(5 * time.Second)
		r.want()
		r.s.fs.open = open // the file is opened again although stat shows no change
		must(t, os.Remove(r.path("o.yaml")))
		r.publish("o.yaml", "2")
		r.settled()
		r.pass(Settle)
		r.wantSet("o.yaml=2", "p.yaml=1")
	})
}

func TestDirectoryInPlaceOfFile(t *testing.T) {
	both(t, func(t *testing.T, opts ...option) {
		dir := t.TempDir()
		old(t, filepath.Join(dir, "o.yaml"), "1")
		old(t, filepath.Join(dir, "plain"), "1")
		must(t, os.Mkdir(filepath.Join(dir, "docker.yaml"), 0o755))
		r := newRig(t, dir, []string{"o.yaml", "plain", "docker.yaml"}, opts...)
		r.got = r.scan(0)
		r.want("o.yaml=1", "plain=1", "docker.yaml:not a file")
		for _, name := range []string{"o.yaml", "plain"} {
			must(t, os.Remove(r.path(name)))
			must(t, os.Mkdir(r.path(name), 0o755))
			r.settled()
			r.want(name + ":not a file")
		}
		must(t, os.Remove(r.path("o.yaml")))
		r.write("o.yaml", "2")
		r.settled()
		r.want("o.yaml=2")
	})
}

func TestParentRemovedAndRecreated(t *testing.T) {
	both(t, func(t *testing.T, opts ...option) {
		for _, how := range []string{"removed", "renamed"} {
			t.Run(how, func(t *testing.T) {
				dir := t.TempDir()
				old(t, filepath.Join(dir, "a", "b", "o.yaml"), "1")
				r := start(t, dir, []string{"a/b/o.yaml", "a/b"}, opts...)
				for i := range 3 {
					if how == "removed" {
						must(t, os.RemoveAll(r.path("a")))
					} else {
						must(t, os.Rename(r.path("a"), r.path(fmt.Sprint("old", i))))
					}
					r.settled()
					r.pass(Settle)
					var missing int
					for _, f := range r.take() {
						if f.State == Missing {
							missing++
						}
					}
					if missing != 2 {
						t.Fatalf("%d missing, want the file and the directory", missing)
					}
					must(t, os.MkdirAll(r.path("a/b"), 0o755))
					r.pass(2 * DefaultPoll) // the Source now watches the new directory
					r.take()
					r.publish("a/b/o.yaml", fmt.Sprint("again ", i))
					if r.events() { // the events of the new directory arrive
						r.pass(50 * time.Millisecond)
					} else {
						r.settled()
					}
					var last string
					for _, f := range r.take() {
						if !f.Pattern {
							last = r.show(f)
						}
					}
					if want := fmt.Sprint("a/b/o.yaml=again ", i); last != want {
						t.Fatalf("got %q, want %q", last, want)
					}
					r.settled()
					r.take()
				}
			})
		}
	})
}
