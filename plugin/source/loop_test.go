package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestYoungAtStart(t *testing.T) {
	both(t, func(t *testing.T, opts ...option) {
		dir := t.TempDir()
		old(t, filepath.Join(dir, "old.yaml"), "old")
		r := newRig(t, dir, []string{"."}, opts...)
		began := r.c.Now()
		r.got = r.scan(5 * time.Second)
		r.want("old.yaml=old")
		if d := r.c.Now().Sub(began); d != 0 {
			t.Errorf("waited %v for an old file", d)
		}

		r = newRig(t, dir, []string{"."}, opts...)
		r.write("young.yaml", "young")
		began = r.c.Now()
		r.got = r.scan(5 * time.Second)
		r.want("old.yaml=old", "young.yaml=young")
		if d := r.c.Now().Sub(began); d < Settle || d > 2*Settle {
			t.Errorf("waited %v for a young file", d)
		}

		r = newRig(t, dir, []string{"."}, opts...)
		r.write("young.yaml", "being written")
		r.got = r.scan(500 * time.Millisecond)
		r.want("old.yaml=old", "young.yaml:being written")
		r.settled()
		r.want("young.yaml=being written")
	})
}

func TestPatience(t *testing.T) {
	dir := t.TempDir()
	old(t, filepath.Join(dir, "o.yaml"), "0")
	old(t, filepath.Join(dir, "p.yaml"), "0")
	r := start(t, dir, []string{"."})
	for i := range 30 {
		r.write("o.yaml", fmt.Sprint("write ", i))
		r.pass(Settle / 2)
	}
	r.want("o.yaml:being written")
	r.settled()
	r.want("o.yaml=write 29")
}

func TestNewErrors(t *testing.T) {
	for want, patterns := range map[string][]string{
		"order files: none given":                     nil,
		"order files: empty path":                     {""},
		"order files: /x/[a: syntax error in pattern": {"/x/[a"},
	} {
		if _, err := New(Config{Patterns: patterns}); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestRun(t *testing.T) {
	for _, how := range []string{"cancel", "close", "close in the function"} {
		t.Run(how, func(t *testing.T) {
			before := inotifies(t)
			dir := t.TempDir()
			old(t, filepath.Join(dir, "o.yaml"), "1")
			s, err := New(Config{Patterns: []string{dir}, Poll: time.Hour})
			must(t, err)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			s.Scan(ctx, 0)
			got, done := make(chan string, 8), make(chan error, 1)
			go func() {
				done <- s.Run(ctx, func(fs []File) {
					for _, f := range fs {
						b, err := read(f.Open())
						got <- fmt.Sprint(string(b), err)
					}
					if how == "close in the function" {
						s.Close()
					}
				})
			}()
			tmp := filepath.Join(dir, ".tmp")
			must(t, os.WriteFile(tmp, []byte("2"), 0o644))
			must(t, os.Rename(tmp, filepath.Join(dir, "o.yaml")))
			select {
			case b := <-got:
				if b != "2<nil>" {
					t.Error(b)
				}
			case <-time.After(20 * time.Second):
				t.Fatal("the change did not arrive")
			}
			var want error
			switch how {
			case "cancel":
				cancel()
				want = context.Canceled
			default:
				s.Close()
			}
			if err := <-done; !errors.Is(err, want) {
				t.Errorf("Run: %v, want %v", err, want)
			}
			if n := inotifies(t); n != before {
				t.Errorf("%d inotify instances, before: %d", n, before)
			}
			if out := s.Scan(context.Background(), time.Hour); len(out) != 0 {
				t.Errorf("a closed source reports %v", out)
			}
		})
	}
}

func inotifies(t *testing.T) (n int) {
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if to, _ := os.Readlink("/proc/self/fd/" + fd.Name()); strings.Contains(to, "inotify") {
			n++
		}
	}
	return n
}

func TestConcurrentUse(t *testing.T) {
	dir := t.TempDir()
	for i := range 20 {
		old(t, filepath.Join(dir, fmt.Sprintf("%d.yaml", i)), "x")
		old(t, filepath.Join(dir, fmt.Sprintf("%d.txt", i)), "x")
	}
	s, err := New(Config{Patterns: []string{dir}, Poll: minPoll})
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	s.Scan(ctx, 0)
	var last atomic.Value
	done, seen := make(chan struct{}), make(chan struct{}, 1)
	go func() {
		defer close(done)
		s.Run(ctx, func(fs []File) {
			for _, f := range fs {
				if f.State != Ready {
					continue
				}
				side := strings.TrimSuffix(filepath.Base(f.Path), ".yaml") + ".txt"
				read(sideOf(f, side))
				if b, err := read(f.Open()); err == nil && f.Intact() == nil {
					f.SetSides([]string{side})
					if filepath.Base(f.Path) == "19.yaml" {
						last.Store(string(b))
					}
				}
			}
			select {
			case seen <- struct{}{}:
			default:
			}
		})
	}()
	for i := range 300 {
		name := filepath.Join(dir, fmt.Sprintf("%d.yaml", i%20))
		must(t, os.WriteFile(name+".tmp", []byte(fmt.Sprint(i)), 0o644))
		must(t, os.Rename(name+".tmp", name))
		if i%10 == 0 {
			s.LastLook()
			s.Forget(name)
		}
	}
	for deadline := time.After(20 * time.Second); last.Load() != "299"; {
		select {
		case <-seen:
		case <-deadline:
			t.Fatalf("the last change did not arrive, but %v", last.Load())
		}
	}
	cancel()
	<-done
}

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

func TestPause(t *testing.T) {
	r := newRig(t, t.TempDir(), []string{"."})
	now := r.c.Now()
	r.s.pause(context.Background(), now.Add(debounce), true)
	if got := r.c.Now().Sub(now); got != debounce {
		t.Errorf("waited %s by the clock", got)
	}
	r.s.kick()
	r.s.pause(context.Background(), time.Time{}, true)
	if got := r.c.Now().Sub(now); got != debounce {
		t.Errorf("waited %s by the clock", got)
	}
}

func TestScanEnds(t *testing.T) {
	dir := t.TempDir()
	old(t, filepath.Join(dir, "huge.yaml"), "1")
	old(t, filepath.Join(dir, "o.yaml"), "1")
	r := newRig(t, dir, []string{"."})
	shown(r, func(info fs.FileInfo) fs.FileInfo {
		if filepath.Base(info.Name()) == "huge.yaml" {
			return hugeInfo{info}
		}
		return info
	})
	open := r.s.fs.open
	r.s.fs.open = func(path string) (openFile, error) {
		f, err := open(path)
		if err == nil && filepath.Base(path) == "huge.yaml" {
			f = endlessFile{f, r.c}
		}
		return f, err
	}
	r.got = r.scan(5 * time.Second)
	r.want("huge.yaml:being written", "o.yaml=1")
}
