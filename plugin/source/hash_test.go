package source

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

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
	r.write("o.yaml", "BLOCK") // the same bytes as before, but a write came in between
	r.pass(Settle - 50*time.Millisecond)
	r.want()
	r.pass(100 * time.Millisecond)
	r.want("o.yaml=BLOCK")
}

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

func TestSmallOvertakesBig(t *testing.T) {
	dir := t.TempDir()
	old(t, filepath.Join(dir, "big.yaml"), "1")
	old(t, filepath.Join(dir, "o.yaml"), "1")
	r := start(t, dir, []string{"."})
	g := r.gate("big.yaml")
	r.publish("big.yaml", strings.Repeat("y", 50*step))
	r.sync()
	r.c.Add(debounce)
	r.until(func() bool { return len(g.stuck) > 0 }) // wait until the first read has begun
	r.publish("o.yaml", "2")
	r.sync()
	r.c.Add(debounce)
	r.until(func() bool { return r.s.tracked[r.path("o.yaml")].job != nil })
	g.step <- nil // let one read of the big file return
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

func TestHold(t *testing.T) {
	dir := t.TempDir()
	old(t, filepath.Join(dir, "o.yaml"), "1")
	old(t, filepath.Join(dir, "p.yaml"), "1")
	r := start(t, dir, []string{"."})
	p := r.s.tracked[r.path("p.yaml")]
	o := r.s.tracked[r.path("o.yaml")]
	loc := *p.loc
	changed := func(content string) {
		before := o.settler.settled.digest
		r.publish("o.yaml", content)
		r.sync()
		r.c.Add(debounce)
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
