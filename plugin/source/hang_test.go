package source

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// A read that blocks holds up its own file alone, which is reported; and when the read
// goes on, the file is as any other.
func TestReadHangs(t *testing.T) {
	both(t, func(t *testing.T, opts ...option) {
		dir := t.TempDir()
		old(t, filepath.Join(dir, "hangs.yaml"), "1")
		old(t, filepath.Join(dir, "o.yaml"), "1")
		r := start(t, dir, []string{"."}, opts...)
		g := r.gate("hangs.yaml")
		r.publish("hangs.yaml", "2")
		r.pass(DefaultPoll + Settle + debounce)
		r.want()
		r.publish("o.yaml", "2")
		r.soon()
		r.settled()
		r.want("o.yaml=2")

		r.until(func() bool { return len(r.waiting()) == 1 })
		r.tired(readTimeout - slow - tick)
		r.pump()
		r.want() // not yet
		r.tired(tick)
		r.until(func() bool { return r.s.tracked[r.path("hangs.yaml")].settler.settled.state == Pending })
		r.pump()
		fs := r.take()
		if len(fs) != 1 || fs[0].State != Pending || !errors.Is(fs[0].Err, ErrPending) || !strings.HasSuffix(fs[0].Err.Error(), "hangs.yaml: reading it does not finish: no byte for 5s") {
			t.Fatalf("got %v", fs)
		}
		if s := r.now(); s[0].State != Pending || s[1].State != Ready {
			t.Errorf("states %v", s)
		}
		r.settled()
		r.want() // once

		r.stuck = nil
		g.open()
		r.until(func() bool { return r.s.tracked[r.path("hangs.yaml")].job == nil })
		r.settled()
		r.want("hangs.yaml=2")
	})
}

// What came back before the read that blocks is not kept waiting by it, and neither is
// what comes behind it.
func TestReadHangsInABatch(t *testing.T) {
	dir := t.TempDir()
	r := newRig(t, dir, []string{"."})
	for _, name := range []string{"1.yaml", "22.yaml", "333.yaml"} {
		old(t, r.path(name), strings.TrimSuffix(name, ".yaml"))
	}
	g := r.gate("22.yaml")
	got := make(chan []File)
	go func() { got <- r.s.Scan(context.Background(), time.Second) }()
	for {
		select {
		case fs := <-got:
			r.got = fs
			r.want("1.yaml=1", "22.yaml:being written", "333.yaml=333")
			r.stuck = nil
			g.open()
			r.until(func() bool { return r.s.tracked[r.path("22.yaml")].job == nil })
			return
		case <-g.stuck:
			r.tired(slow + tick) // the first tick may see progress
		}
	}
}

// A stat that does not return holds up its own path alone.
func TestStatHangs(t *testing.T) {
	both(t, func(t *testing.T, opts ...option) {
		dir := t.TempDir()
		old(t, filepath.Join(dir, "hangs.yaml"), "1")
		old(t, filepath.Join(dir, "o.yaml"), "1")
		r := start(t, dir, []string{"hangs.yaml", "o.yaml"}, opts...)
		lstat, reached, goOn := r.s.fs.lstat, make(chan struct{}, 9), make(chan struct{})
		r.s.fs.lstat = func(path string) (fs.FileInfo, error) {
			if filepath.Base(path) == "hangs.yaml" {
				reached <- struct{}{}
				<-goOn
			}
			return lstat(path)
		}
		r.publish("o.yaml", "2")
		r.sync()
		r.c.add(DefaultPoll)
		r.until(func() bool { return len(reached) > 0 })
		before := r.s.LastLook()
		r.tired(statTimeout + tick) // the first tick sees progress
		r.pass(DefaultPoll + Settle)
		if got := r.take(); len(got) != 2 || got[0].State != Pending || r.show(got[1]) != "o.yaml=2" && r.show(got[0]) != "o.yaml=2" {
			if len(got) != 2 {
				t.Fatalf("got %v", got)
			}
		}
		if !r.s.LastLook().After(before) {
			t.Error("the looks do not go on")
		}
		if n := len(reached); n != 1 {
			t.Errorf("asked %d times", n)
		}
		close(goOn)
		r.until(func() bool { return len(r.s.noAnswer) == 0 })
		r.settled()
		r.want("hangs.yaml=1")
	})
}

// A Source that waits for the file system ends at once, and a look that is not over
// shows in LastLook.
func TestCloseWhileHanging(t *testing.T) {
	for _, what := range []string{"read", "stat"} {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			old(t, filepath.Join(dir, "o.yaml"), "1")
			s, err := New(Config{Patterns: []string{dir}, Poll: minPoll})
			must(t, err)
			if got := s.LastLook(); !got.IsZero() {
				t.Errorf("looked at %v", got)
			}
			s.Scan(context.Background(), 0)
			reached, goOn := make(chan struct{}, 99), make(chan struct{})
			defer close(goOn)
			lstat, open := s.fs.lstat, s.fs.open
			if what == "stat" {
				s.fs.lstat = func(path string) (fs.FileInfo, error) { reached <- struct{}{}; <-goOn; return lstat(path) }
			}
			s.fs.open = func(path string) (openFile, error) {
				reached <- struct{}{}
				<-goOn
				return open(path)
			}
			must(t, os.WriteFile(filepath.Join(dir, "o.yaml"), line("2"), 0o644))
			done := make(chan error, 1)
			go func() { done <- s.Run(context.Background(), func([]File) {}) }()
			<-reached
			s.Close()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}

// A stream ends in time although the disk does not answer, and when the Source is closed.
func TestStreamHangs(t *testing.T) {
	for _, how := range []string{"for ever", "until Close"} {
		t.Run(how, func(t *testing.T) {
			dir := t.TempDir()
			old(t, filepath.Join(dir, "o.yaml"), "1")
			r := newRig(t, dir, []string{"o.yaml"})
			f := r.scan(0)[0]
			g := r.gate("o.yaml")
			defer g.open()
			rc, err := f.Open()
			must(t, err)
			want := error(ErrPending)
			if how == "for ever" {
				go func() {
					<-g.stuck
					for len(r.waiting()) == 0 { // for the stream's wait
						runtime.Gosched()
					}
					r.tired(readTimeout)
				}()
			} else {
				want = ErrClosed
				go func() { <-g.stuck; r.s.Close() }()
			}
			_, err = io.ReadAll(rc)
			if cerr := rc.Close(); !errors.Is(err, want) || !errors.Is(cerr, want) || !errors.Is(f.Intact(), want) {
				t.Errorf("%v, %v, %v, want %v", err, cerr, f.Intact(), want)
			}
		})
	}
}

// A new side list whose bytes do not come in time is Pending, and its order file is
// reported again when they have come.
func TestNewSideHangs(t *testing.T) {
	dir := t.TempDir()
	old(t, filepath.Join(dir, "o.yaml"), "names: l.txt")
	old(t, filepath.Join(dir, "l.txt"), "a")
	r := newRig(t, dir, []string{"o.yaml"})
	f := r.scan(0)[0]
	g := r.gate("l.txt")
	r.s.firstWait = 0
	if _, err := sideOf(f, "l.txt"); !errors.Is(err, ErrPending) || !errors.Is(f.Intact(), ErrPending) {
		t.Fatalf("%v, %v", err, f.Intact())
	}
	r.stuck = nil
	g.open()
	r.settled()
	fs := r.take()
	if len(fs) != 1 || fs[0].State != Ready {
		t.Fatalf("got %v", fs)
	}
	if b, err := read(sideOf(fs[0], "l.txt")); err != nil || string(b) != "a" {
		t.Errorf("%q, %v", b, err)
	}
}

// A report waits for small files that are still to be hashed, for a moment; it does not
// wait for a big one.
func TestHold(t *testing.T) {
	dir := t.TempDir()
	old(t, filepath.Join(dir, "o.yaml"), "1")
	old(t, filepath.Join(dir, "p.yaml"), "1")
	r := start(t, dir, []string{"."})
	p := r.s.tracked[r.path("p.yaml")]
	o := r.s.tracked[r.path("o.yaml")]
	loc := *p.loc
	// changed has o.yaml settle with new content, and p.yaml in the queue.
	changed := func(content string) {
		before := o.settler.settled.digest
		r.publish("o.yaml", content)
		r.sync()
		r.c.add(debounce)
		r.until(func() bool { return o.settler.settled.digest != before && r.s.worker == nil })
		p.job = &job{t: p, abs: p.abs, loc: &loc, over: make(chan struct{})}
		r.s.queue = []*job{p.job}
	}
	ready := func() []File {
		out, _ := r.s.ready(r.s.clock.Now())
		return out
	}
	changed("2")
	if out := ready(); out != nil {
		t.Errorf("not held back: %v", out)
	}
	r.s.heldSince = time.Now().Add(-batchWait)
	if out := ready(); len(out) != 1 {
		t.Errorf("held back for too long: %v", out)
	}
	changed("3")
	loc.size = smallFile + 1
	if out := ready(); len(out) != 1 {
		t.Errorf("held back for a big file: %v", out)
	}
}

// TestBigJobIsCut checks that a big file gives way to a file with fewer bytes left, and that a
// small file is hashed to its end.
func TestBigJobIsCut(t *testing.T) {
	for left, want := range map[int64]bool{bigFile: false, bigFile + 1: true, 10 << 30: true} {
		sized := func(n int64) *job {
			j := &job{t: &tracked{}, loc: &location{stat: stat{stamp: stamp{size: n}}}}
			j.t.job = j
			return j
		}
		big, small := sized(left), sized(1)
		w := &worker{job: big}
		s := &Source{worker: w, queue: []*job{small}}
		if !s.next(w) || (w.job == small) != want || (w.job == big) == want {
			t.Errorf("%d left: want cut %v", left, want)
		}
		if n := len(s.queue); n != 1 {
			t.Errorf("%d left: %d jobs in the queue", left, n)
		}
	}
}

// A process that was stopped for an hour has not waited for an hour, and a call that
// returns is not waited for again.
func TestWaitAfterStop(t *testing.T) {
	type act struct {
		n    int
		past time.Duration
	}
	for _, c := range []struct {
		acts []act
		want bool // returns in time
	}{
		{[]act{{0, tick}, {0, time.Hour}}, true},
		{[]act{{0, tick}, {0, time.Hour}, {0, tick}}, false},
		{[]act{{0, tick}, {0, tick}, {1, tick}, {1, tick}, {1, tick}}, true},
		{[]act{{0, tick}, {0, tick}, {1, tick}, {1, tick}, {1, tick}, {1, tick}}, false},
	} {
		ticks, over, got, n := make(chan time.Time), make(chan struct{}), make(chan bool, 1), make(chan int)
		s := &Source{ticks: func() (<-chan time.Time, func()) { return ticks, func() {} }}
		go func() { got <- s.returns(over, 3*tick, func() int { return <-n }) }()
		now := time.Now()
		for _, a := range c.acts {
			now = now.Add(a.past)
			select {
			case ticks <- now:
				n <- a.n
			case <-got:
				t.Fatalf("%v: gave up early", c.acts)
			}
		}
		if c.want {
			close(over)
		}
		if g := <-got; g != c.want {
			t.Errorf("%v: returned in time: %v", c.acts, g)
		}
	}
}

// An order file whose list never settles is Pending itself, so that the caller knows that
// the version on disk is not in force.
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

// A look that is due does not wait for the tick at which work in progress is looked at;
// without a limit the clock is not asked, since Scan's clock may be a test's.
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

// endlessFile is a file whose reading makes progress for days.
type endlessFile struct {
	openFile
	c *testClock
}

func (f endlessFile) Read(p []byte) (int, error) {
	f.c.add(time.Second)
	return len(p), nil
}

type hugeInfo struct{ fs.FileInfo }

func (hugeInfo) Size() int64 { return 10_000 << 30 }

// A Scan ends although a huge file is still being hashed, so that a start is not held up.
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
