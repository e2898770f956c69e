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
		r.tired(readTimeout - slow - tick - r.spent()) // the wait may have got ticks for the scans above
		r.pump()
		r.want()
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
		r.want() // no second report

		r.stuck = nil
		g.open()
		r.until(func() bool { return r.s.tracked[r.path("hangs.yaml")].job == nil })
		r.settled()
		r.want("hangs.yaml=2")
	})
}

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
			r.tired(slow + tick) // one tick more, because the first may see progress
		}
	}
}

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
		r.c.Add(DefaultPoll)
		r.until(func() bool { return len(reached) > 0 })
		before := r.s.LastLook()
		r.tired(statTimeout + tick) // one tick more, because the first sees progress
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
					for len(r.waiting()) == 0 { // wait until the stream waits for the read
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

func TestWaitAfterStop(t *testing.T) {
	type act struct {
		n    int
		past time.Duration
	}
	for _, c := range []struct {
		acts []act
		want bool // true if the call returned in time
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

func TestWorkerNotStarted(t *testing.T) {
	r := newRig(t, t.TempDir(), []string{"."})
	w := &worker{over: make(chan struct{})}
	r.s.worker = w
	done := make(chan struct{})
	go func() { r.s.guard(w); close(done) }()
	for range 3 {
		r.tired(slow)
	}
	close(w.over)
	<-done
	if w.abandoned || r.s.worker != w {
		t.Error("abandoned before its first job")
	}
}
