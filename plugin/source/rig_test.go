package source

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/test/clock"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newClock() clock.Jumping { return clock.NewJumping(time.Now().Add(-time.Hour)) }

type rig struct {
	t    *testing.T
	s    *Source
	c    clock.Jumping
	dir  string
	got  []File // reports that take has not returned yet
	note []error
	// stuck receives a value when a blocked call begins.
	stuck chan struct{}

	mu    sync.Mutex
	ticks map[chan time.Time]chan struct{} // key: the ticks of a wait; value: closed when the wait ends
	sent  map[chan time.Time]time.Duration // key: the ticks of a wait; value: the time that they add up to
}

func (r *rig) tick() (<-chan time.Time, func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	ch, gone := make(chan time.Time), make(chan struct{})
	r.ticks[ch] = gone
	return ch, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.ticks, ch)
		close(gone)
	}
}

func (r *rig) waiting() map[chan time.Time]chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.ticks)
}

func (r *rig) tired(d time.Duration) {
	for busy := true; busy && len(r.waiting()) == 0; runtime.Gosched() { // until a wait begins
		r.s.mu.Lock()
		busy = r.s.worker != nil || r.s.look != nil
		r.s.mu.Unlock()
	}
	for ; d > 0; d -= tick {
		for ch, gone := range r.waiting() {
			select {
			case ch <- time.Time{}:
				r.mu.Lock()
				r.sent[ch] += tick
				r.mu.Unlock()
			case <-gone:
			}
		}
	}
}

func (r *rig) spent() (out time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for ch := range r.ticks {
		out = max(out, r.sent[ch])
	}
	return out
}

type option func(*Config)

func noEvents(c *Config) { c.noEvents = true }

func newRig(t *testing.T, dir string, patterns []string, opts ...option) *rig {
	t.Helper()
	r := &rig{t: t, c: newClock(), dir: dir, ticks: map[chan time.Time]chan struct{}{}, sent: map[chan time.Time]time.Duration{}}
	cfg := Config{Clock: r.c, Notice: func(err error) { r.note = append(r.note, err) }}
	for _, p := range patterns {
		full := filepath.Join(dir, p)
		if strings.HasSuffix(p, "/") {
			full += "/"
		}
		cfg.Patterns = append(cfg.Patterns, full)
	}
	for _, o := range opts {
		o(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.s, s.ticks = s, r.tick
	t.Cleanup(func() { s.Close() })
	return r
}

// start creates a rig and calls Scan once.
func start(t *testing.T, dir string, patterns []string, opts ...option) *rig {
	t.Helper()
	r := newRig(t, dir, patterns, opts...)
	r.scan(0)
	return r
}

func (r *rig) scan(wait time.Duration) []File {
	r.got = append(r.got, r.s.Scan(context.Background(), wait)...)
	return r.take()
}

func both(t *testing.T, fn func(t *testing.T, opts ...option)) {
	t.Run("events", func(t *testing.T) { fn(t) })
	t.Run("polling", func(t *testing.T) { fn(t, noEvents) })
}

func (r *rig) events() bool { return r.s.watch != nil }

// sync makes the Source read all waiting kernel events.
func (r *rig) sync() {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	r.s.takeEvents(r.s.clock.Now())
}

func (r *rig) pump() {
	r.t.Helper()
	limit := time.After(20 * time.Second)
	for {
		r.s.mu.Lock()
		_, busy := r.s.turn()
		var out []File
		if !busy {
			out, _ = r.s.ready(r.s.clock.Now())
		}
		r.s.mu.Unlock()
		r.got = append(r.got, out...)
		switch {
		case busy:
			select {
			case <-r.s.wake:
			case <-r.stuck: // the call is blocked: send the ticks of its time limit
				r.tired(slow + tick) // one tick more, because the first may see progress
			case <-limit:
				r.t.Fatal("a look or a worker does not come back")
			}
		case len(out) == 0:
			return
		}
	}
}

func (r *rig) until(done func() bool) {
	r.t.Helper()
	for limit := time.After(20 * time.Second); ; {
		r.s.mu.Lock()
		r.s.turn()
		ok := done()
		r.s.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-r.s.wake:
		case <-time.After(time.Millisecond): // a worker counts ticks of real time
		case <-limit:
			r.t.Fatal("what is waited for does not come")
		}
	}
}

func (r *rig) pass(d time.Duration) {
	r.t.Helper()
	r.sync()
	for d > 0 {
		r.pump()
		one := min(d, 2*time.Millisecond)
		if d > 100*time.Millisecond {
			one = 20 * time.Millisecond
		}
		r.c.Add(one)
		d -= one
	}
	r.pump()
}

func (r *rig) soon() {
	r.t.Helper()
	if r.events() {
		r.pass(50 * time.Millisecond)
		return
	}
	r.pass(DefaultPoll)
}

func (r *rig) settled() {
	r.t.Helper()
	r.pass(DefaultPoll + Settle + 100*time.Millisecond)
}

// now returns each order file in its present state.
func (r *rig) now() (out []File) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	for _, o := range r.s.orders {
		vs, _ := o.versions()
		out = append(out, *r.s.fileOf(o, vs))
	}
	return out
}

func (r *rig) take() []File {
	out := r.got
	r.got = nil
	return out
}

func (r *rig) want(want ...string) {
	r.t.Helper()
	var got []string
	for _, f := range r.take() {
		got = append(got, r.show(f))
	}
	if !slices.Equal(got, want) {
		r.t.Fatalf("reported %q, want %q", got, want)
	}
}

func (r *rig) wantSet(want ...string) {
	r.t.Helper()
	var got []string
	for _, f := range r.take() {
		got = append(got, r.show(f))
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		r.t.Fatalf("reported %q, want %q", got, want)
	}
}

func (r *rig) wantNoBytes() {
	r.t.Helper()
	for _, f := range r.take() {
		if f.State != Pending {
			r.t.Fatalf("reported %s", r.show(f))
		}
	}
}

func (r *rig) show(f File) string {
	r.t.Helper()
	name, err := filepath.Rel(r.dir, f.Path)
	if err != nil {
		r.t.Fatal(err)
	}
	if f.State != Ready || f.Pattern {
		if f.State != Pending && f.State != Ready && (f.Err == nil || !strings.HasPrefix(f.Err.Error(), f.Path+": ")) {
			r.t.Errorf("%s: error %q does not name it", f.Path, f.Err)
		}
		return name + ":" + f.State.String()
	}
	b, err := read(f.Open())
	if err != nil {
		r.t.Fatalf("reading %s: %v", name, err)
	}
	if all := line(string(b)); sha256.Sum256(all) != f.Digest || int64(len(all)) != f.Size || f.Intact() != nil {
		r.t.Fatalf("%s: bytes do not match the report, intact: %v", name, f.Intact())
	}
	return name + "=" + string(b)
}

// sideOf opens a side list and ignores the digest.
func sideOf(f File, name string) (io.ReadCloser, error) {
	rc, _, err := f.OpenSide(name)
	return rc, err
}

func read(rc io.ReadCloser, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(rc)
	if cerr := rc.Close(); err == nil {
		err = cerr
	}
	return bytes.TrimSuffix(b, []byte("\n")), err
}

func (r *rig) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(r.dir, name)
}

func line(content string) []byte {
	if content != "" {
		content += "\n"
	}
	return []byte(content)
}

// write writes a file in place.
func (r *rig) write(name, content string) {
	r.t.Helper()
	must(r.t, os.WriteFile(r.path(name), line(content), 0o644))
}

func (r *rig) publish(name, content string) {
	r.t.Helper()
	tmp := filepath.Join(filepath.Dir(r.path(name)), ".tmp-"+filepath.Base(name))
	must(r.t, os.WriteFile(tmp, line(content), 0o644))
	must(r.t, os.Rename(tmp, r.path(name)))
}

func old(t *testing.T, path, content string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, line(content), 0o644))
	age(t, path)
}

func age(t *testing.T, path string) {
	t.Helper()
	long := time.Now().Add(-24 * time.Hour)
	must(t, os.Chtimes(path, long, long))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
