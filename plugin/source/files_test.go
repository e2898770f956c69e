package source

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// noted returns the notices since the last time, without the folder.
func (r *rig) noted() (out []string) {
	for _, err := range r.note {
		out = append(out, strings.ReplaceAll(err.Error(), r.dir+"/", ""))
	}
	r.note = nil
	return out
}

// failed checks the only report since the last time.
func (r *rig) failed(state State, text string) {
	r.t.Helper()
	fs := r.take()
	if len(fs) != 1 || fs[0].State != state || strings.ReplaceAll(fmt.Sprint(fs[0].Err), r.dir+"/", "") != text {
		r.t.Fatalf("got %v, want %s, %s", fs, state, text)
	}
}

// A file whose last line has no end may be half a copy, and waits ten times as long.
func TestRaggedEnd(t *testing.T) {
	for _, c := range []struct {
		name   string
		ragged bool
	}{{"o.yaml", true}, {"o.YML", true}, {"o.json", false}, {"o.jsonl", false}, {"protect.txt", true}} {
		t.Run(c.name, func(t *testing.T) {
			both(t, func(t *testing.T, opts ...option) {
				dir := t.TempDir()
				old(t, filepath.Join(dir, c.name), "1")
				patterns := []string{c.name}
				if c.name == "protect.txt" {
					patterns = nil
					opts = append(opts, func(cfg *Config) { cfg.Files = []string{filepath.Join(dir, c.name)} })
				}
				r := start(t, dir, patterns, opts...)
				must(t, os.WriteFile(r.path(c.name), []byte("cut"), 0o644))
				if c.ragged {
					r.pass(RaggedSettle - 50*time.Millisecond)
					r.want()
					want := c.name + ": the last line has no end, so the file may be incomplete; " +
						"it is loaded when it has not changed for 10s (a file that is renamed into place is loaded at once)"
					if got := r.noted(); !slices.Equal(got, []string{want}) {
						t.Errorf("notices %q", got)
					}
					r.pass(DefaultPoll)
				}
				r.settled()
				if got := r.take(); len(got) != 1 || got[0].State != Ready || got[0].Size != 3 {
					t.Fatalf("got %v", got)
				}
				// The next version by rename is whole.
				must(t, os.WriteFile(r.path(".tmp"), []byte("cut2"), 0o644))
				must(t, os.Rename(r.path(".tmp"), r.path(c.name)))
				if r.events() {
					r.soon()
					if got := r.take(); len(got) != 1 || got[0].Size != 4 {
						t.Fatalf("got %v", got)
					}
				}
				if got := r.noted(); got != nil {
					t.Errorf("notices %q", got)
				}
			})
		})
	}
}

// A list that an order file names has names that can be cut as well. At the start age
// alone counts.
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

// A file that is too large is not opened, and comes back when it is small again.
func TestMaxBytes(t *testing.T) {
	both(t, func(t *testing.T, opts ...option) {
		dir := t.TempDir()
		old(t, filepath.Join(dir, "o.yaml"), "names: l.txt")
		old(t, filepath.Join(dir, "l.txt"), "a")
		r := newRig(t, dir, []string{"o.yaml"}, append(opts, func(c *Config) {
			c.MaxBytes = func(path string, side bool) int64 {
				if side != strings.HasSuffix(path, ".txt") {
					t.Errorf("%s: side is %v", path, side)
				}
				if side {
					return 2 << 20
				}
				return 64 << 20
			}
		})...)
		f := r.scan(0)[0]
		_, err := read(sideOf(f, "l.txt"))
		must(t, err)
		opened := 0
		open := r.s.fs.open
		r.s.fs.open = func(path string) (openFile, error) { opened++; return open(path) }
		must(t, os.Truncate(r.path("l.txt"), 2<<20+1))
		r.settled()
		got := r.take()
		if len(got) != 1 || got[0].Sides[0].State != Unreadable || !strings.HasSuffix(got[0].Sides[0].Err.Error(), "l.txt: is larger than 2.0 MiB, got 2097153 bytes") {
			t.Fatalf("got %v", got)
		}
		must(t, os.Truncate(r.path("o.yaml"), 3<<30))
		r.settled()
		r.failed(Unreadable, "o.yaml: is larger than 64 MiB, got 3.0 GiB")
		r.pass(2 * Recheck)
		if opened != 0 {
			t.Errorf("opened %d times", opened)
		}
		r.publish("o.yaml", "2")
		r.soon()
		r.settled()
		r.want("o.yaml=2")
	})
}

// A side list is inside the order file's directory, whatever links say.
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
		// The link leads in, and is led out.
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

// An order file and its list may lead out of the directory through the same link.
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

// A link that leads nowhere is a bad file, and not a file that is gone.
func TestDanglingLink(t *testing.T) {
	both(t, func(t *testing.T, opts ...option) {
		dir := t.TempDir()
		old(t, filepath.Join(dir, "d", "a.yaml"), "a")
		must(t, os.Symlink("../store/court.yaml", filepath.Join(dir, "d", "court.yaml")))
		r := newRig(t, dir, []string{"d"}, opts...)
		r.got = r.scan(0)[1:]
		r.failed(Missing, "d/court.yaml: is a link that leads nowhere: store does not exist")
		if r.s.Forget(r.path("d/court.yaml")) {
			t.Error("forgotten")
		}
		old(t, r.path("store/court.yaml"), "b")
		r.settled()
		r.want("d/court.yaml=b")
		must(t, os.RemoveAll(r.path("store")))
		r.settled()
		r.failed(Missing, "d/court.yaml: is a link that leads nowhere: store does not exist")
		must(t, os.Remove(r.path("d/court.yaml")))
		r.settled()
		r.failed(Missing, "d/court.yaml: no such file or directory")
		if !r.s.Forget(r.path("d/court.yaml")) {
			t.Error("not forgotten although the link is gone")
		}
	})
}

// Files that are not taken for order files are named, each once, other than those that
// are somebody's.
func TestIgnored(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.yaml", "b.YAML", "c.Json", "x.yaml.txt", "y.yaml~", "z.yaml.bak", "README", "l.txt",
		"l.txt.minisig", "a.yaml.minisig", "protect.txt", ".hidden", "sub/z.txt", "g/a.yaml", "g/A.YAML", "g/b.yaml.orig", "g/README"} {
		old(t, filepath.Join(dir, name), name)
	}
	r := newRig(t, dir, []string{".", "g/*.yaml"}, func(c *Config) { c.Files = []string{filepath.Join(dir, "protect.txt")} })
	fs := r.scan(0)
	var names []string
	for _, f := range fs {
		names = append(names, strings.TrimPrefix(f.Path, dir+"/"))
	}
	if got := strings.Join(names, " "); got != "a.yaml b.YAML c.Json g/a.yaml protect.txt" {
		t.Errorf("found %s", got)
	}
	fs[0].SetSides([]string{"l.txt"})
	if got := r.noted(); got != nil {
		t.Errorf("too early: %q", got)
	}
	named := func() (out []string) {
		for _, s := range r.noted() {
			name, text, _ := strings.Cut(s, ": ")
			if text != "is ignored: its name does not end in .yaml .yml .json .jsonl, and no order file that was loaded names it as a list" {
				t.Error(s)
			}
			out = append(out, name)
		}
		return out
	}
	r.pump()
	if got := named(); !slices.Equal(got, []string{"README", "x.yaml.txt", "y.yaml~", "z.yaml.bak", "g/A.YAML", "g/b.yaml.orig"}) {
		t.Errorf("named %q", got)
	}
	r.publish("new.txt", "a list that comes before its order")
	r.publish("tmp.txt", "of an editor")
	r.publish("x.yaml\n.txt", "a name is data")
	r.pass(Patience / 2)
	fs[0].SetSides([]string{"new.txt"})
	must(t, os.Remove(r.path("tmp.txt")))
	r.pass(Patience + DefaultPoll)
	if got := named(); !slices.Equal(got, []string{`"x.yaml\n.txt"`, "l.txt", "l.txt.minisig"}) {
		t.Errorf("named %q", got)
	}
	r.pass(Patience)
	if got := named(); got != nil {
		t.Errorf("named again: %q", got)
	}
}

// TestManyFiles checks the calls of the file system for many files that do not change. With
// kernel events, each file is looked at once within every seconds. By polling alone, each poll
// looks at each file once. When the directory is replaced, all files are one report.
func TestManyFiles(t *testing.T) {
	both(t, func(t *testing.T, opts ...option) {
		const n = 4 * filesPerPoll
		const every = n / filesPerPoll
		dir, err := filepath.EvalSymlinks(t.TempDir())
		must(t, err)
		fill := func(d string, text string) {
			must(t, os.Mkdir(filepath.Join(dir, d), 0o755))
			for i := range n {
				old(t, filepath.Join(dir, d, fmt.Sprintf("%d.yaml", i)), fmt.Sprint(text, i))
			}
		}
		fill("d", "a")
		fill("d2", "b")
		r := newRig(t, dir, []string{"d"}, opts...)
		var stats, reads, opened int
		lstat, readDir, open := r.s.fs.lstat, r.s.fs.readDir, r.s.fs.open
		r.s.fs.lstat = func(path string) (fs.FileInfo, error) { stats++; return lstat(path) }
		r.s.fs.readDir = func(path string) ([]fs.DirEntry, error) { reads++; return readDir(path) }
		r.s.fs.open = func(path string) (openFile, error) { opened++; return open(path) }
		if got := r.scan(0); len(got) != n || opened != n {
			t.Fatalf("%d reports, %d files opened", len(got), opened)
		}
		polls := 1
		if r.events() && r.s.watch.local()[r.path("d")] {
			polls = every
		}
		r.pass(DefaultPoll)
		stats, reads, opened = 0, 0, 0
		for range every {
			r.pass(DefaultPoll)
		}
		if rounds := every / polls; stats < n*rounds || stats > n*rounds+100*every || reads != rounds || opened != 0 {
			t.Errorf("%d polls: %d lstats, %d readdirs, %d opens", every, stats, reads, opened)
		}
		other := r.path("other")
		must(t, os.Link(r.path("d/7.yaml"), other))
		r.write(other, "no event")
		r.pass(every * DefaultPoll)
		r.settled()
		r.want("d/7.yaml=no event")
		must(t, os.Rename(r.path("d"), r.path("gone")))
		must(t, os.Rename(r.path("d2"), r.path("d")))
		r.settled()
		if got := r.take(); len(got) != n {
			t.Fatalf("%d reports", len(got))
		}
	})
}
