package source

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const small = "version: 1\norders:\n- id: a\n  scope: global\n  targets: [a.example, b.example]\n"

// Each prefix of a file is written in place and left for almost as long as is
// allowed; only what stood still may ever be handed over.
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

// The same by appending, to a file that did not exist.
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

func TestRenameIsAtOnce(t *testing.T) {
	for name, replace := range map[string]func(r *rig, name, content string){
		"from beside": func(r *rig, name, content string) { r.publish(name, content) },
		"from elsewhere, written before": func(r *rig, name, content string) {
			tmp := filepath.Join(r.t.TempDir(), "x")
			old(r.t, tmp, content)
			must(r.t, os.Rename(tmp, r.path(name)))
		},
		"linked into place": func(r *rig, name, content string) {
			tmp := filepath.Join(r.t.TempDir(), "x")
			old(r.t, tmp, content)
			must(r.t, os.Remove(r.path(name)))
			must(r.t, os.Link(tmp, r.path(name)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			old(t, filepath.Join(dir, "o.yaml"), "1")
			r := start(t, dir, []string{"o.yaml"})
			for i := range 5 {
				replace(r, "o.yaml", fmt.Sprint("new ", i))
				r.pass(10 * time.Millisecond)
				r.want(fmt.Sprint("o.yaml=new ", i))
			}
		})
	}
}

// TestRenamedFileComesWithItsOldName checks that a file under a new name is reported together
// with the absence of the old name, so that the orders are never seen at both names.
func TestRenamedFileComesWithItsOldName(t *testing.T) {
	both(t, func(t *testing.T, opts ...option) {
		dir := t.TempDir()
		old(t, filepath.Join(dir, "a.yaml"), "a")
		old(t, filepath.Join(dir, "z.yaml"), "z")
		r := start(t, dir, []string{"."}, opts...)
		must(t, os.Rename(r.path("a.yaml"), r.path("b.yaml")))
		for range 40 {
			r.pass(Settle / 4)
			if len(r.got) > 0 {
				break
			}
		}
		r.want("a.yaml:missing", "b.yaml=a")
	})
}

// A rename seen by polling alone cannot be told from a write.
func TestRenameByPolling(t *testing.T) {
	dir := t.TempDir()
	old(t, filepath.Join(dir, "o.yaml"), "1")
	r := start(t, dir, []string{"o.yaml"}, noEvents)
	r.publish("o.yaml", "2")
	r.pass(DefaultPoll + Settle - 50*time.Millisecond)
	r.want()
	r.pass(100 * time.Millisecond)
	r.want("o.yaml=2")
}

// A rename whose file is then written to is a write.
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

	// Also when the write comes while the bytes are read, and no stat shows the write.
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

// What once came by rename has no credit left for what happens to it later and
// is seen by polling alone: a writer on another machine, or here through another
// hard link, whose events go to that link's folder.
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
	r.pass(DefaultPoll + Settle/2) // seen by now
	r.want()
	r.settled()
	r.want("o.yaml=half")
}

// A program's own write and rename within one tick of the file system's clock leave
// mtime and ctime equal, as for a write that is under way. The kernel knows the rename,
// also from a folder that nobody watches.
func TestRenameInOneTick(t *testing.T) {
	dir := t.TempDir()
	old(t, filepath.Join(dir, "a.yaml"), "a")
	r := start(t, dir, []string{"."})
	r.oneTick()
	tmp := filepath.Join(t.TempDir(), "x")
	must(t, os.WriteFile(tmp, line("whole"), 0o644))
	must(t, os.Rename(tmp, r.path("o.yaml")))
	r.pass(10 * time.Millisecond)
	r.want("o.yaml=whole")
}

// copy_file_range and a long write(2) make bytes visible long before the kernel says so:
// a Create event, content, and no event of a write. The inode's times give it away.
func TestCreateWithoutWriteEvent(t *testing.T) {
	dir := t.TempDir()
	old(t, filepath.Join(dir, "a.yaml"), "a")
	r := start(t, dir, []string{"."})
	r.oneTick()
	tmp := filepath.Join(t.TempDir(), "x")
	must(t, os.WriteFile(tmp, line("half"), 0o644)) // where nobody watches
	must(t, os.Link(tmp, r.path("o.yaml")))
	r.pass(Settle - 50*time.Millisecond)
	r.want()
	r.pass(Settle)
	r.want("o.yaml=half")
}

// A file of which no event came is complete when it is another inode that was renamed or
// linked after its last write: here the whole directory is swapped.
func TestDirectorySwap(t *testing.T) {
	both(t, func(t *testing.T, opts ...option) {
		dir := t.TempDir()
		old(t, filepath.Join(dir, "d", "o.yaml"), "1")
		old(t, filepath.Join(dir, "d", "p.yaml"), "1")
		r := start(t, dir, []string{"d"}, opts...)
		must(t, os.Mkdir(r.path("d2"), 0o755))
		r.write("d2/o.yaml", "half")
		now := time.Now().Add(-time.Minute)
		must(t, os.Chtimes(r.path("d2/o.yaml"), now, now))
		r.write("d2/p.yaml", "half")
		oneTick := now.Truncate(time.Second)
		shown(r, func(info fs.FileInfo) fs.FileInfo {
			if info.Name() == "p.yaml" {
				return restamped{info, time.Unix(0, statOf(info).ctime)}
			}
			return restamped{info, oneTick}
		})
		r.settled()
		r.take()
		must(t, os.Rename(r.path("d"), r.path("gone")))
		must(t, os.Rename(r.path("d2"), r.path("d")))
		r.pass(DefaultPoll)
		r.want("d/o.yaml=half")
		r.pass(Settle)
		r.want("d/p.yaml=half")
	})
}

// oneTick makes every file look as if its last write and its last change of any
// kind fell into one tick of the file system's clock. How fine that clock is
// differs between kernels.
func (r *rig) oneTick() {
	shown(r, func(info fs.FileInfo) fs.FileInfo { return restamped{info, time.Unix(0, statOf(info).ctime)} })
}

func kubernetes(t *testing.T, dir, version, content string) {
	t.Helper()
	must(t, os.Mkdir(filepath.Join(dir, version), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, version, "orders.yaml"), line(content), 0o644))
	must(t, os.Symlink(version, filepath.Join(dir, "..data_tmp")))
	must(t, os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")))
}

func TestKubernetes(t *testing.T) {
	for _, pattern := range []string{".", "orders.yaml", "*.yaml"} {
		t.Run(pattern, func(t *testing.T) {
			both(t, func(t *testing.T, opts ...option) {
				dir := t.TempDir()
				kubernetes(t, dir, "..1", "one")
				age(t, filepath.Join(dir, "..1", "orders.yaml"))
				must(t, os.Symlink("..data/orders.yaml", filepath.Join(dir, "orders.yaml")))
				r := newRig(t, dir, []string{pattern}, opts...)
				r.got = r.scan(0)
				r.want("orders.yaml=one")
				for i := 2; i < 6; i++ {
					kubernetes(t, dir, fmt.Sprintf("..%d", i), fmt.Sprint("version ", i))
					must(t, os.RemoveAll(filepath.Join(dir, fmt.Sprintf("..%d", i-1))))
					r.soon()
					r.want(fmt.Sprint("orders.yaml=version ", i))
				}
				// A new key comes as a link too.
				must(t, os.WriteFile(filepath.Join(dir, "..5", "more.yaml"), line("more"), 0o644))
				must(t, os.Symlink("..data/more.yaml", filepath.Join(dir, "more.yaml")))
				r.soon()
				if pattern == "orders.yaml" {
					r.want()
				} else {
					r.want("more.yaml=more")
				}
			})
		})
	}
}

// A folder that comes back with a link in it says nothing about the link.
func TestLinkCameWithFolder(t *testing.T) {
	dir := t.TempDir()
	old(t, filepath.Join(dir, "d", "v1"), "1")
	must(t, os.Symlink("v1", filepath.Join(dir, "d", "o.yaml")))
	r := start(t, dir, []string{"d/o.yaml"}, noEvents)
	must(t, os.Rename(r.path("d"), r.path("away")))
	r.settled()
	r.want("d/o.yaml:missing")
	r.write("away/v1", "half")
	must(t, os.Rename(r.path("away"), r.path("d")))
	r.pass(Settle - 50*time.Millisecond)
	r.want()
	r.settled()
	r.want("d/o.yaml=half")
}

// What a link leads to may be written in place as well, or come into being
// under a link that was there before; or the link gives way to a file.
func TestLinkTargets(t *testing.T) {
	both(t, func(t *testing.T, opts ...option) {
		dir := t.TempDir()
		old(t, filepath.Join(dir, "real", "t.yaml"), "1")
		must(t, os.Symlink("real/t.yaml", filepath.Join(dir, "o.yaml")))
		must(t, os.Symlink("real/missing.yaml", filepath.Join(dir, "p.yaml")))
		r := newRig(t, dir, []string{"o.yaml", "p.yaml"}, opts...)
		r.got = r.scan(0)
		r.want("o.yaml=1", "p.yaml:missing")

		r.write("real/t.yaml", "2")
		r.pass(Settle - 50*time.Millisecond)
		r.want()
		r.settled()
		r.want("o.yaml=2")

		r.write("real/missing.yaml", "there, half")
		r.pass(Settle - 50*time.Millisecond)
		r.want()
		r.settled()
		r.want("p.yaml=there, half")

		must(t, os.Remove(r.path("o.yaml")))
		r.write("o.yaml", "a file, half")
		r.pass(Settle - 50*time.Millisecond)
		r.want()
		r.settled()
		r.want("o.yaml=a file, half")
	})
}

// A new file in a folder that is reached by a link is not a swapped link.
func TestNewFileInLinkedFolder(t *testing.T) {
	both(t, func(t *testing.T, opts ...option) {
		dir := t.TempDir()
		old(t, filepath.Join(dir, "real", "a.yaml"), "a")
		must(t, os.Symlink("real", filepath.Join(dir, "linked")))
		r := start(t, dir, []string{"linked"}, opts...)
		r.write("real/b.yaml", "half")
		r.pass(Settle - 50*time.Millisecond)
		r.want()
		r.settled()
		r.want("linked/b.yaml=half")
		// The folder's link itself may be swapped.
		old(t, filepath.Join(dir, "real2", "a.yaml"), "a2")
		old(t, filepath.Join(dir, "real2", "b.yaml"), "b2")
		must(t, os.Symlink("real2", r.path("tmp")))
		must(t, os.Rename(r.path("tmp"), r.path("linked")))
		r.soon()
		r.want("linked/a.yaml=a2", "linked/b.yaml=b2")
	})
}

// A folder's link that is swapped brings complete files, although their times say that
// they may be half written.
func TestFolderLinkSwap(t *testing.T) {
	both(t, func(t *testing.T, opts ...option) {
		dir := t.TempDir()
		old(t, filepath.Join(dir, "real", "a.yaml"), "a")
		must(t, os.Symlink("real", filepath.Join(dir, "linked")))
		r := newRig(t, dir, []string{"linked"}, opts...)
		r.oneTick()
		r.scan(5 * time.Second)
		must(t, os.Mkdir(r.path("real2"), 0o755))
		r.write("real2/a.yaml", "a2")
		must(t, os.Symlink("real2", r.path("tmp")))
		must(t, os.Rename(r.path("tmp"), r.path("linked")))
		r.soon()
		r.want("linked/a.yaml=a2")
	})
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
		r.want() // no half, and no alarm for the moment without a file
		r.settled()
		r.want("o.yaml=first half, second half")
	})
}

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
		r.want() // once per transition
		r.publish("o.yaml", "1")
		r.soon()
		r.settled()
		r.want("o.yaml=1")
		r.write("d/p.yaml", "2")
		r.settled()
		r.wantSet("d/p.yaml=2", "d:ready")
	})
}

// chmod 000 does not stop root, who may run the tests; a loop of links and a
// file system that refuses do.
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
		r.s.fs.open = open // and no stat changes: it is tried again by itself
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

func TestReplacedByEmpty(t *testing.T) {
	both(t, func(t *testing.T, opts ...option) {
		dir := t.TempDir()
		old(t, filepath.Join(dir, "o.yaml"), "1")
		r := start(t, dir, []string{"o.yaml"}, opts...)
		r.publish("o.yaml", "") // by rename, and yet in doubt
		r.pass(Settle - 50*time.Millisecond)
		r.want()
		r.settled()
		r.want("o.yaml=")
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
					r.pass(2 * DefaultPoll) // watched anew
					r.take()
					r.publish("a/b/o.yaml", fmt.Sprint("again ", i))
					if r.events() { // at once: the new directory's events arrive
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
