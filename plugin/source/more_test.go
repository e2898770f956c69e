package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// restamped shows a file with another time of its last write.
type restamped struct {
	fs.FileInfo
	mtime time.Time
}

func (i restamped) ModTime() time.Time { return i.mtime }

// still is a file that keeps its times, those of its inode included.
type still struct{ restamped }

func (still) Sys() any { return nil }

type shownFile struct {
	openFile
	show func(fs.FileInfo) fs.FileInfo
}

func (f shownFile) Stat() (fs.FileInfo, error) {
	info, err := f.openFile.Stat()
	if err != nil {
		return info, err
	}
	return f.show(info), nil
}

// shown has the source see every file, folders apart, as show makes it.
func shown(r *rig, show func(fs.FileInfo) fs.FileInfo) {
	lstat, open := r.s.fs.lstat, r.s.fs.open
	r.s.fs.lstat = func(path string) (fs.FileInfo, error) {
		info, err := lstat(path)
		if err != nil || info.IsDir() {
			return info, err
		}
		return show(info), nil
	}
	r.s.fs.open = func(path string) (openFile, error) {
		f, err := open(path)
		if err != nil {
			return nil, err
		}
		return shownFile{f, show}, nil
	}
}

// standStill has every file keep its times, and counts how often one is opened.
func standStill(r *rig, opened *int) {
	mtime := time.Now().Add(-24 * time.Hour)
	shown(r, func(info fs.FileInfo) fs.FileInfo { return still{restamped{info, mtime}} })
	open := r.s.fs.open
	r.s.fs.open = func(path string) (openFile, error) {
		*opened++
		return open(path)
	}
}

// Equal size and mtime, and no event: only the digest tells.
func TestMinuteDigest(t *testing.T) {
	dir := t.TempDir()
	old(t, filepath.Join(dir, "o.yaml"), "block")
	r := newRig(t, dir, []string{"o.yaml"}, noEvents)
	opened := 0
	standStill(r, &opened)
	r.scan(0)
	r.pass(Recheck / 2)
	if opened != 1 {
		t.Errorf("hashed %d times without a reason", opened-1)
	}
	r.write("o.yaml", "BLOCK")
	r.pass(Recheck/2 - 200*time.Millisecond)
	r.want()
	r.pass(400*time.Millisecond + Settle)
	r.want("o.yaml=BLOCK")
}

// With an event the digest is taken although stat sees no difference.
func TestSameStampWithEvent(t *testing.T) {
	dir := t.TempDir()
	old(t, filepath.Join(dir, "o.yaml"), "block")
	r := newRig(t, dir, []string{"o.yaml"})
	standStill(r, new(int))
	r.scan(0)
	r.write("o.yaml", "BLOCK")
	r.pass(Settle - 50*time.Millisecond)
	r.want()
	r.write("o.yaml", "blOCK")
	r.pass(Settle - 50*time.Millisecond)
	r.want()
	r.write("o.yaml", "BLOCK") // the candidate's bytes again, but not still
	r.pass(Settle - 50*time.Millisecond)
	r.want()
	r.pass(100 * time.Millisecond)
	r.want("o.yaml=BLOCK")
}

// The path leads elsewhere by the time the file that it led to is hashed.
func TestReplacedWhileHashed(t *testing.T) {
	dir := t.TempDir()
	old(t, filepath.Join(dir, "v1"), "1")
	old(t, filepath.Join(dir, "v2"), "2")
	must(t, os.Symlink("v1", filepath.Join(dir, "o.yaml")))
	must(t, os.Symlink("v2", filepath.Join(dir, "tmp")))
	r := newRig(t, dir, []string{"o.yaml"}, noEvents)
	open, once := r.s.fs.open, true
	r.s.fs.open = func(path string) (openFile, error) {
		f, err := open(path)
		if once {
			once = false
			must(t, os.Rename(r.path("tmp"), r.path("o.yaml")))
		}
		return f, err
	}
	r.got = r.scan(5 * time.Second)
	r.want("o.yaml=2")
}

// A stream that never ends is not read for ever.
func TestEndlessStream(t *testing.T) {
	rcpt := &receipt{}
	r, err := newReader(&Source{ticks: realTicks}, func() (openFile, error) { return endless{}, nil }, "o.yaml", version{state: Ready, size: 1000}, rcpt.failed)
	must(t, err)
	defer r.Close()
	if _, err := io.Copy(io.Discard, onlyReader{r}); !errors.Is(err, ErrChanged) || !errors.Is(rcpt.err, ErrChanged) {
		t.Errorf("got %v, %v", err, rcpt.err)
	}
}

type endless struct{}

func (endless) Close() error               { return nil }
func (endless) Stat() (fs.FileInfo, error) { return sized(1000), nil }

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestBurst(t *testing.T) {
	for _, how := range []string{"rename", "in place"} {
		t.Run(how, func(t *testing.T) {
			dir := t.TempDir()
			old(t, filepath.Join(dir, "o.yaml"), "0")
			r := start(t, dir, []string{"."})
			reports := 0
			for i := range 1000 { // in 10 s
				if how == "rename" {
					r.publish("o.yaml", fmt.Sprint(i))
				} else {
					r.write("o.yaml", fmt.Sprint(i))
				}
				if i%10 == 0 {
					r.sync()
				}
				r.pump()
				r.c.add(10 * time.Millisecond)
				for _, f := range r.take() {
					if reports++; how == "in place" && f.State != Pending {
						t.Fatalf("in the burst: %s", r.show(f))
					}
				}
			}
			if reports > 1000 || how == "in place" && reports > 1 { // that it is being written
				t.Errorf("%d reports", reports)
			}
			if n := len(r.s.events.last); n > 1100 {
				t.Errorf("%d names remembered", n)
			}
			r.settled()
			for _, f := range r.take() {
				reports++
				if s := r.show(f); f.State != Pending && s != "o.yaml=999" {
					t.Errorf("after the burst: %s", s)
				}
			}
			if reports == 0 {
				t.Error("nothing was reported")
			}
			r.pass(3 * time.Second)
			r.want()
			if n := len(r.s.events.last); n > 10 {
				t.Errorf("%d names still remembered", n)
			}
		})
	}
}

// 1,000 other files come and go: nothing is reported, little is remembered.
func TestBurstOfNames(t *testing.T) {
	dir := t.TempDir()
	old(t, filepath.Join(dir, "o.yaml"), "0")
	r := start(t, dir, []string{"."})
	for i := range 1000 {
		name := r.path(fmt.Sprintf("x%d.yaml", i))
		must(t, os.WriteFile(name, nil, 0o644))
		must(t, os.Remove(name))
	}
	r.settled()
	r.pass(3 * time.Second)
	r.want()
	if len(r.s.tracked) != 1 || len(r.s.events.last) > 10 {
		t.Errorf("%d tracks, %d marks left", len(r.s.tracked), len(r.s.events.last))
	}
}

func TestNoKernelEvents(t *testing.T) {
	dir := t.TempDir()
	old(t, filepath.Join(dir, "o.yaml"), "0")
	r := newRig(t, dir, []string{"."})
	r.s.newWatch = func(func()) (*watcher, error) { return nil, syscall.EMFILE }
	r.scan(0)
	r.publish("o.yaml", "1")
	r.settled()
	r.pass(5 * time.Second)
	r.want("o.yaml=1")
	if len(r.note) != 1 || !errors.Is(r.note[0], syscall.EMFILE) {
		t.Errorf("notices %v, want one", r.note)
	}
}

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

// Somebody who never stops writing is reported, once, and keeps no other out.
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
		r.want() // what the caller has read is not news

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

		// The group: a new order file waits for its list.
		r.publish("o.yaml", "names: l/a.txt # new")
		r.write("l/a.txt", "half")
		r.pass(Settle - 50*time.Millisecond)
		r.want()
		r.write("l/a.txt", "half and half")
		r.pass(Settle - 50*time.Millisecond)
		r.want()
		r.settled()
		r.want("o.yaml=names: l/a.txt # new")

		// A new list that is being written.
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
		// The old list is nobody's business now.
		r.write("l/a.txt", "whatever")
		r.settled()
		r.want()

		// A list that is gone, and back.
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

// A list put in place by rename just before its order file needs no second.
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

// A swap in Kubernetes changes an order file and its list together.
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

func TestChangedWhileRead(t *testing.T) {
	both(t, func(t *testing.T, opts ...option) {
		dir := t.TempDir()
		big := strings.Repeat("x", 400_000) // more than a stream reads ahead
		old(t, filepath.Join(dir, "o.yaml"), big)
		old(t, filepath.Join(dir, "l.txt"), big)
		r := newRig(t, dir, []string{"o.yaml"}, opts...)
		f := r.scan(0)[0]
		for name, change := range map[string]func(path string){
			"other bytes": func(path string) { r.write(path, strings.Repeat("y", 400_000)) },
			"grown":       func(path string) { r.write(path, big+"z") },
			"shrunk":      func(path string) { r.write(path, big[1:]) },
		} {
			for _, side := range []bool{false, true} {
				rc, err := f.Open()
				path := "o.yaml"
				if side {
					rc.Close()
					rc, err = sideOf(f, "l.txt")
					path = "l.txt"
				}
				must(t, err)
				_, err = io.ReadFull(rc, make([]byte, 50_000))
				must(t, err)
				change(path)
				_, err = io.Copy(io.Discard, onlyReader{rc})
				if cerr := rc.Close(); !errors.Is(err, ErrChanged) || !errors.Is(cerr, ErrChanged) || !errors.Is(f.Intact(), ErrChanged) {
					t.Fatalf("%s: %v, %v, %v", name, err, cerr, f.Intact())
				}
				// Back to the bytes that were not received: news again.
				r.write(path, big)
				r.settled()
				fs := r.take()
				if len(fs) != 1 {
					t.Fatalf("%s: reported %d times", name, len(fs))
				}
				f = fs[0]
			}
		}
		// A parser that stops early is told by Close.
		rc, err := f.Open()
		must(t, err)
		if f.Intact() == nil {
			t.Error("an open stream counts as intact")
		}
		r.write("o.yaml", strings.Repeat("y", 400_000))
		if err := rc.Close(); !errors.Is(err, ErrChanged) {
			t.Errorf("Close: %v", err)
		}
		// Another size is noticed at Open.
		r.settled()
		f = r.take()[0]
		r.write("o.yaml", "short")
		if _, err := f.Open(); !errors.Is(err, ErrChanged) {
			t.Errorf("Open: %v", err)
		}
	})
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

// Run with the real clock, real events: a rename arrives, and when it ends
// nothing is left (TestMain) and no inotify instance is open.
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

// A big file that is hashed holds up nothing: the rename of a small one overtakes it.
func TestSmallOvertakesBig(t *testing.T) {
	dir := t.TempDir()
	old(t, filepath.Join(dir, "big.yaml"), "1")
	old(t, filepath.Join(dir, "o.yaml"), "1")
	r := start(t, dir, []string{"."})
	g := r.gate("big.yaml")
	r.publish("big.yaml", strings.Repeat("y", 50*step))
	r.sync()
	r.c.add(debounce)
	r.until(func() bool { return len(g.stuck) > 0 }) // its first read blocks
	r.publish("o.yaml", "2")
	r.sync()
	r.c.add(debounce)
	r.until(func() bool { return r.s.tracked[r.path("o.yaml")].job != nil })
	g.step <- nil // one read of the big file ends, and the small one is next
	r.until(func() bool {
		out, _ := r.s.report(r.s.clock.Now(), false)
		r.got = append(r.got, out...)
		return len(out) > 0
	})
	r.want("o.yaml=2")
	r.stuck = nil
	g.open()
	r.pass(50 * time.Millisecond)
	r.want("big.yaml=" + strings.Repeat("y", 50*step))
}

// Hammer: real clock, many goroutines; for the race detector.
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
