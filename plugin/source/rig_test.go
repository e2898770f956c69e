package source

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testClock stands still until it is told to move. It starts an hour behind the
// file system's clock, so that no file that a test writes is ever old by it.
type testClock struct {
	mu  sync.Mutex
	now time.Time
}

func newTestClock() *testClock { return &testClock{now: time.Now().Add(-time.Hour)} }

func (c *testClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *testClock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// After moves the clock instead of waiting for it.
func (c *testClock) After(d time.Duration) (<-chan time.Time, func()) {
	ch := make(chan time.Time, 1)
	c.add(max(d, 0))
	ch <- c.Now()
	return ch, func() {}
}

// rig drives a Source by hand, in the test's goroutine, with real files, real
// events and a clock of its own.
type rig struct {
	t    *testing.T
	s    *Source
	c    *testClock
	dir  string
	got  []File // reported and not yet taken
	note []error
	// stuck receives when a blocked call has been reached.
	stuck chan struct{}

	mu    sync.Mutex
	ticks map[chan time.Time]chan struct{} // of the calls that are waited for
}

// tick is the source of ticks of the Source: none comes by itself.
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

// waiting returns the calls that are waited for.
func (r *rig) waiting() map[chan time.Time]chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.ticks)
}

// tired lets d pass for all calls that are waited for.
func (r *rig) tired(d time.Duration) {
	for busy := true; busy && len(r.waiting()) == 0; runtime.Gosched() { // for one that begins
		r.s.mu.Lock()
		busy = r.s.worker != nil || r.s.look != nil
		r.s.mu.Unlock()
	}
	for ; d > 0; d -= tick {
		for ch, gone := range r.waiting() {
			select {
			case ch <- time.Time{}:
			case <-gone:
			}
		}
	}
}

type option func(*Config)

func noEvents(c *Config) { c.noEvents = true }

func newRig(t *testing.T, dir string, patterns []string, opts ...option) *rig {
	t.Helper()
	r := &rig{t: t, c: newTestClock(), dir: dir, ticks: map[chan time.Time]chan struct{}{}}
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

// start is newRig and the first Scan.
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

// both runs a test with events and by polling alone.
func both(t *testing.T, fn func(t *testing.T, opts ...option)) {
	t.Run("events", func(t *testing.T) { fn(t) })
	t.Run("polling", func(t *testing.T) { fn(t, noEvents) })
}

func (r *rig) events() bool { return r.s.watch != nil }

// sync takes in every event of what the test did before.
func (r *rig) sync() {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	r.s.takeEvents(r.s.clock.Now())
}

// pump does everything that is due without moving the clock. It waits for looks and
// workers, unless one of them is stuck in a call that the test has blocked.
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
			case <-r.stuck: // nothing is lost by not waiting for it in real time
				r.tired(slow + tick) // the first tick may see progress
			case <-limit:
				r.t.Fatal("a look or a worker does not come back")
			}
		case len(out) == 0:
			return
		}
	}
}

// until does what is due, without moving the clock, until done returns true.
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
		case <-time.After(time.Millisecond): // a worker's idleness is real time
		case <-limit:
			r.t.Fatal("what is waited for does not come")
		}
	}
}

// pass lets d go by in small steps, as Run would see it.
func (r *rig) pass(d time.Duration) {
	r.t.Helper()
	r.sync()
	for d > 0 {
		r.pump()
		one := min(d, 2*time.Millisecond)
		if d > 100*time.Millisecond {
			one = 20 * time.Millisecond
		}
		r.c.add(one)
		d -= one
	}
	r.pump()
}

// soon is the time within which a change that arrived whole must be reported:
// events act at once, polling at the next poll.
func (r *rig) soon() {
	r.t.Helper()
	if r.events() {
		r.pass(50 * time.Millisecond)
		return
	}
	r.pass(DefaultPoll)
}

// settled lets enough time pass for a change made in place.
func (r *rig) settled() {
	r.t.Helper()
	r.pass(DefaultPoll + Settle + 100*time.Millisecond)
}

// now returns each order file with its present state.
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

// want checks what has been reported since the last time, as "name=content" or
// "name:state", without the folder.
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

// wantSet is want for reports whose order is free.
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

// wantNoBytes lets nothing pass but that a file is being written.
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

// sideOf opens a side list, whose digest the tests of the stream do not want.
func sideOf(f File, name string) (io.ReadCloser, error) {
	rc, _, err := f.OpenSide(name)
	return rc, err
}

// read reads to the end and closes; Close's error counts when Read has none.
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

// line ends the last line of a file's content, as nearly all files do.
func line(content string) []byte {
	if content != "" {
		content += "\n"
	}
	return []byte(content)
}

// write writes in place: truncates, then writes.
func (r *rig) write(name, content string) {
	r.t.Helper()
	must(r.t, os.WriteFile(r.path(name), line(content), 0o644))
}

// publish writes beside the file and renames.
func (r *rig) publish(name, content string) {
	r.t.Helper()
	tmp := filepath.Join(filepath.Dir(r.path(name)), ".tmp-"+filepath.Base(name))
	must(r.t, os.WriteFile(tmp, line(content), 0o644))
	must(r.t, os.Rename(tmp, r.path(name)))
}

// old makes a file that has stood still for long.
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

// sized is what stat says about a file of a size.
type sized int64

func (s sized) Size() int64      { return int64(s) }
func (sized) Name() string       { return "" }
func (sized) Mode() fs.FileMode  { return 0 }
func (sized) ModTime() time.Time { return time.Time{} }
func (sized) IsDir() bool        { return false }
func (sized) Sys() any           { return nil }

// gate blocks the reads of one file, as a dead NFS mount or /proc/kmsg do. Each value
// sent to step lets one read go on.
type gate struct {
	step  chan error
	stuck chan struct{} // receives at each read
}

type gatedFile struct {
	openFile
	g *gate
}

func (f gatedFile) Read(p []byte) (int, error) {
	select {
	case f.g.stuck <- struct{}{}:
	default:
	}
	if err := <-f.g.step; err != nil {
		return 0, err
	}
	return f.openFile.Read(p)
}

// gate puts a gate before the file of a name.
func (r *rig) gate(name string) *gate {
	g := &gate{step: make(chan error), stuck: make(chan struct{}, 1)}
	r.stuck = g.stuck
	open := r.s.fs.open
	r.s.fs.open = func(path string) (openFile, error) {
		f, err := open(path)
		if err == nil && filepath.Base(path) == name {
			f = gatedFile{f, g}
		}
		return f, err
	}
	r.t.Cleanup(func() {
		select {
		case <-g.step:
		default:
			close(g.step)
		}
	})
	return g
}

// open lets all reads go on from now on.
func (g *gate) open() { close(g.step) }
