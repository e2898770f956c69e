package store

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/test/clock"
)

type lines struct {
	mu    sync.Mutex
	all   []string
	flush func() // if not nil, it waits until the Store has written all its lines
}

func (l *lines) add(level, format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, level+fmt.Sprintf(format, args...))
}
func (l *lines) Infof(f string, a ...any)    { l.add("info: ", f, a...) }
func (l *lines) Warningf(f string, a ...any) { l.add("warning: ", f, a...) }
func (l *lines) Errorf(f string, a ...any)   { l.add("error: ", f, a...) }

func (l *lines) take() string {
	if l.flush != nil {
		l.flush()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	out := strings.Join(l.all, "\n")
	l.all = nil
	return out
}

type world struct {
	t     *testing.T
	dir   string
	clock clock.Jumping
	log   *lines
	s     *Store
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, dir: t.TempDir(), clock: clock.NewJumping(time.Now().Add(time.Hour)), log: &lines{}}
	w.log.flush = func() {
		if w.s != nil {
			w.s.log.flush(time.Minute)
		}
	}
	return w
}

// write writes a file in place, without a rename.
func (w *world) write(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) start(change func(*Options), patterns ...string) error {
	w.t.Helper()
	opt := Options{MaxShrink: 50, Poll: time.Second}
	for _, p := range patterns {
		opt.Patterns = append(opt.Patterns, filepath.Join(w.dir, p))
	}
	if len(patterns) == 0 {
		opt.Patterns = []string{w.dir}
	}
	if change != nil {
		change(&opt)
	}
	var err error
	if w.s, err = prepare(opt, w.log, w.clock, nil); err != nil {
		return err
	}
	w.t.Cleanup(w.s.Close)
	return nil
}

func (w *world) mustStart(patterns ...string) {
	w.t.Helper()
	if err := w.start(nil, patterns...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) step() {
	w.t.Helper()
	// Two minutes later, the source hashes every file again.
	w.clock.After(2 * time.Minute)
	w.s.load(w.s.src.Scan(context.Background(), 10*time.Second))
}

func (w *world) blocked(names ...string) (out []string) {
	w.t.Helper()
	for _, s := range names {
		n, err := dname.Parse(s)
		if err != nil {
			w.t.Fatal(err)
		}
		q := &ruleset.QName{}
		q.SetName(n)
		if w.s.Set().Decide(q, ruleset.Query{Now: seconds(w.clock.Now())}).Blocked() {
			out = append(out, s)
		}
	}
	return out
}

func (w *world) wantBlocked(want string, names ...string) {
	w.t.Helper()
	if got := strings.Join(w.blocked(names...), " "); got != want {
		w.t.Fatalf("blocked: %q, want %q\nlog:\n%s", got, want, w.log.take())
	}
}

func orders(header string, specs ...string) string {
	var b strings.Builder
	b.WriteString("version: 1\n" + header + "defaults: {authority: {name: A}, scope: global}\norders:\n")
	for _, spec := range specs {
		id, names, _ := strings.Cut(spec, ": ")
		fmt.Fprintf(&b, "- {id: %s, targets: [%s]}\n", id, strings.Join(strings.Fields(names), ", "))
	}
	if len(specs) == 0 {
		return strings.TrimSuffix(b.String(), "\n") + " []\n"
	}
	return b.String()
}

func many(n int) string {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("n%d.example", i))
	}
	return strings.Join(names, " ")
}

// nets returns forty addresses that begin with prefix.
func nets(prefix string) string {
	var list []string
	for i := range 40 {
		list = append(list, fmt.Sprintf(`{"address":"%s%d","enforced_by":"dns"}`, prefix, i+1))
	}
	return strings.Join(list, " ")
}

func (w *world) wantLog(parts ...string) {
	w.t.Helper()
	got := w.log.take()
	for _, p := range parts {
		if !strings.Contains(got, p) {
			w.t.Errorf("log lacks %q:\n%s", p, got)
		}
	}
}

func TestStart(t *testing.T) {
	t.Run("no good file", func(t *testing.T) {
		w := newWorld(t)
		w.write("a.yaml", "version: 2\norders: []\n")
		w.write("b.yaml", "version: 1\norders:\n- id: x y\n")
		err := w.start(nil)
		if err == nil {
			t.Fatal("started")
		}
		for _, want := range []string{"no order file", "a.yaml:1:10: version: ", "b.yaml:3:7: ", "b.yaml:3:3: ", "scope"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("error lacks %q:\n%v", want, err)
			}
		}
	})
	t.Run("missing file", func(t *testing.T) {
		w := newWorld(t)
		if err := w.start(nil, "none.yaml"); err == nil || !strings.Contains(err.Error(), "none.yaml") {
			t.Fatalf("got %v", err)
		}
	})
	t.Run("empty directory", func(t *testing.T) {
		w := newWorld(t)
		if err := w.start(nil); err == nil {
			t.Fatal("started")
		}
	})
	t.Run("some bad", func(t *testing.T) {
		w := newWorld(t)
		w.write("a.yaml", orders("", "a: a.example"))
		w.write("b.yaml", "rubbish")
		w.mustStart()
		w.wantBlocked("a.example", "a.example", "b.example")
		if w.s.Ready() || w.s.Status().LastOK {
			t.Error("ready with a file that has never been in force")
		}
		w.wantLog("b.yaml:1:1: must be an order file", "none of its orders is in force")
		w.write("b.yaml", orders("", "b: b.example"))
		w.step()
		w.wantBlocked("a.example b.example", "a.example", "b.example")
		if !w.s.Ready() || !w.s.Status().LastOK {
			t.Error("not ready after the file was mended")
		}
	})
	t.Run("sealed order in a startup error", func(t *testing.T) {
		w := newWorld(t)
		w.write("a.yaml", "version: 1\norders:\n- {id: secret-id, disclosure: none, targets: [secret.example/x], scope: global, authority: {name: A}}\n")
		err := w.start(nil)
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("got %v", err)
		}
	})
}

// TestLoading checks the table "Changes of a file" in docs/order-format.md.
func TestLoading(t *testing.T) {
	good := orders("", "a: a.example")
	for _, tc := range []struct {
		name, before, after string
		blocked, log        string
	}{
		{"valid change", good, orders("", "a: b.example"), "b.example", "order a: changed, in force; 1 name newly blocked; 1 name freed"},
		{"syntax error", good, good + "}", "a.example", "stays in force"},
		{"content error", good, orders("", "a: b.example", "c: x.example/path"), "a.example", "has a path"},
		{"empty file", good, "", "a.example", "is empty"},
		{"count mismatch", good, orders("count: 2\n", "b: b.example"), "a.example", "count"},
		{"lower serial", orders("serial: 5\n", "a: a.example"), orders("serial: 4\n", "b: b.example"), "a.example", `serial: is 4, but the version in force has 5; write a serial above 5`},
		{"same serial, other bytes", orders("serial: 5\n", "a: a.example"), orders("serial: 5\n", "b: b.example"), "a.example", "serial: the file has changed, but its serial is still 5; write a serial above 5"},
		{"serial gone", orders("serial: 5\n", "a: a.example"), orders("", "b: b.example"), "a.example", "serial: is missing"},
		{"higher serial", orders("serial: 5\n", "a: a.example"), orders("serial: 6\n", "b: b.example"), "b.example", ""},
		{"everything lifted in so many words", orders("", "a: a.example "+many(100)), orders(""), "", "; 101 names freed"},
		{"shrinks by more than half", orders("", "a: a.example "+many(40)), orders("", "a: b.example "+many(10)), "a.example", `write "shrink_ok: 11"`},
		{"shrink confirmed", orders("", "a: a.example "+many(40)), orders("shrink_ok: 11\n", "a: b.example "+many(10)), "b.example", ""},
		{"shrink confirmed for another version", orders("", "a: a.example "+many(40)), orders("shrink_ok: 12\n", "a: b.example "+many(10)), "a.example", "shrink_ok"},
		{"exchanges its names", orders("", "a: a.example "+many(40)), orders("", "a: b.example "+strings.ReplaceAll(many(40), "n", "m")), "a.example", `write "shrink_ok: 41"`},
		{"exchanges its addresses", orders("", "a: a.example "+nets("192.0.2.")), orders("", "a: b.example "+nets("198.51.100.")), "a.example", `write "shrink_ok: 41"`},
		{"shrinks by half", orders("", "a: a.example "+many(39)), orders("", "a: b.example "+many(20)), "b.example", ""},
		{"small file", orders("", "a: a.example "+many(18)), orders("", "a: b.example"), "b.example", ""},
		{"moved to another order is not lost", orders("", "a: a.example "+many(40)), orders("", "z: "+many(40)), "", ""},
		{"suspended is not lost", orders("", "a: a.example "+many(40)), strings.Replace(orders("", "a: a.example "+many(40)), "{id: a,", "{id: a, status: suspended,", 1), "", ""},
		{"ended is not lost", orders("", "a: a.example "+many(40)), strings.Replace(orders("", "a: a.example "+many(40)), "{id: a,", "{id: a, until: 2020-01-01,", 1), "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			w.write("a.yaml", tc.before)
			w.write("other.yaml", orders("", "other: other.example"))
			w.mustStart()
			w.wantBlocked("a.example other.example", "a.example", "other.example")
			w.log.take()

			w.write("a.yaml", tc.after)
			w.step()
			w.wantBlocked(strings.TrimSpace(tc.blocked+" other.example"), "a.example", "b.example", "other.example")
			if !w.s.Ready() {
				t.Error("a last good version is in force, so the store is ready")
			}
			w.wantLog(tc.log)
			if ok := w.s.Status().LastOK; ok == (tc.blocked == "a.example") {
				t.Errorf("LastOK is %v", ok)
			}
			w.step()
			if again := w.log.take(); again != "" {
				t.Errorf("logged again:\n%s", again)
			}
		})
	}
}

func TestMaxShrink(t *testing.T) {
	for _, tc := range []struct {
		percent, left int
		refused       bool
	}{{0, 39, true}, {10, 36, false}, {10, 35, true}, {100, 1, false}} {
		w := newWorld(t)
		w.write("a.yaml", orders("", "a: "+many(40)))
		if err := w.start(func(o *Options) { o.MaxShrink = tc.percent }); err != nil {
			t.Fatal(err)
		}
		w.write("a.yaml", orders("", "a: "+many(tc.left)))
		w.step()
		if refused := len(w.blocked("n39.example")) == 1; refused != tc.refused {
			t.Errorf("max_shrink %d%%, 40 to %d: refused %v", tc.percent, tc.left, refused)
		}
	}
}

func TestRefusedAgain(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", orders("", "a: "+many(40)))
	w.mustStart("a.yaml")
	for i, note := range []string{"# one\n", "# another\n"} {
		w.write("a.yaml", note+orders("", "a: "+many(3)))
		w.step()
		w.step()
		w.wantLog("loses 37 of its 40 targets")
		if got := w.s.Status().Files[0].Failures; got != i+1 {
			t.Errorf("%d failures after %d versions", got, i+1)
		}
	}
}

func TestVanished(t *testing.T) {
	for _, tc := range []struct {
		name string
		do   func(path string) error
	}{
		{"removed", os.Remove},
		{"a directory instead", func(p string) error { os.Remove(p); return os.Mkdir(p, 0o755) }},
		{"a link to nowhere instead", func(p string) error { os.Remove(p); return os.Symlink("nowhere", p) }},
		{"a link to itself instead", func(p string) error { os.Remove(p); return os.Symlink(filepath.Base(p), p) }},
	} {
		for _, patterns := range [][]string{{"a.yaml", "b.yaml"}, {"."}, {"*.yaml"}} {
			t.Run(tc.name+" "+patterns[0], func(t *testing.T) {
				w := newWorld(t)
				w.write("a.yaml", orders("", "a: a.example"))
				w.write("b.yaml", orders("", "b: b.example"))
				w.mustStart(patterns...)
				path := filepath.Join(w.dir, "a.yaml")
				if err := tc.do(path); err != nil {
					t.Fatal(err)
				}
				w.step()
				w.wantBlocked("a.example b.example", "a.example", "b.example")
				w.wantLog("a.yaml", "in force")
				if !w.s.Ready() || w.s.Status().LastOK {
					t.Error("want ready, with an alarm")
				}
				w.write("b.yaml", orders("", "b: c.example"))
				w.step()
				w.wantBlocked("a.example c.example", "a.example", "b.example", "c.example")
				// The alarm ends when the file exists again.
				os.RemoveAll(path)
				w.write("a.yaml", orders("", "a: d.example"))
				w.step()
				w.wantBlocked("c.example d.example", "a.example", "c.example", "d.example")
				if !w.s.Status().LastOK {
					t.Error("alarm stays on")
				}
			})
		}
	}
}

func TestVanishedAfterLift(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", orders("", "a: a.example"))
	w.write("b.yaml", orders("", "b: b.example"))
	w.mustStart()
	w.write("a.yaml", orders(""))
	w.step()
	os.Remove(filepath.Join(w.dir, "a.yaml"))
	w.step()
	w.wantBlocked("b.example", "a.example", "b.example")
	if st := w.s.Status(); !st.LastOK || !st.Ready || len(st.Files) != 1 {
		t.Errorf("the file is still missed: %+v", st)
	}
}

func TestDirectory(t *testing.T) {
	w := newWorld(t)
	w.write("b.yaml", orders("", "b: b.example"))
	w.write(".hidden.yaml", orders("", "h: h.example"))
	w.write("README.md", "no order file")
	os.Mkdir(filepath.Join(w.dir, "sub.yaml"), 0o755)
	w.mustStart()
	w.wantBlocked("b.example", "b.example", "h.example")
	w.write("a.json", `{"version":1,"orders":[{"id":"a","authority":{"name":"A"},"scope":"global","targets":["a.example"]}]}`)
	w.step()
	w.wantBlocked("a.example b.example", "a.example", "b.example")
	var paths []string
	for _, f := range w.s.Status().Files {
		paths = append(paths, filepath.Base(f.Path))
	}
	if !slices.Contains(paths, "a.json") || slices.Contains(paths, "README.md") || slices.Contains(paths, ".hidden.yaml") {
		t.Errorf("files: %v", paths)
	}
}

func TestDuplicateID(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", orders("", "x: a.example"))
	w.write("b.yaml", orders("", "b: b.example"))
	w.mustStart()
	w.write("b.yaml", orders("", "x: c.example"))
	w.step()
	w.wantBlocked("a.example b.example", "a.example", "b.example", "c.example")
	w.wantLog(`order "x": id: is used by an order of another file`)
	w.write("a.yaml", orders("", "y: a.example"))
	w.step()
	w.wantBlocked("a.example c.example", "a.example", "b.example", "c.example")
	if !w.s.Status().LastOK {
		t.Error("alarm stays on")
	}
}

func TestOrderMoves(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", orders("", "a: a.example"))
	w.write("b.yaml", orders("", "b: b.example", "c: c.example"))
	w.mustStart()
	w.write("a.yaml", orders("", "a: a.example", "c: c.example"))
	w.write("b.yaml", orders("", "b: b.example"))
	w.step()
	w.wantBlocked("a.example b.example c.example", "a.example", "b.example", "c.example")
	if !w.s.Status().LastOK {
		t.Errorf("%+v", w.s.Status())
	}
}

// A ConfigMap update changes many files in one batch.
func TestOrdersSwap(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", orders("", "a: a.example"))
	w.write("b.yaml", orders("", "b: b.example"))
	w.mustStart()
	w.log.take()
	w.write("a.yaml", orders("", "b: b.example", "n: n.example"))
	w.write("b.yaml", orders("", "a: a.example", "m: m.example"))
	w.step()
	w.wantBlocked("a.example b.example n.example m.example", "a.example", "b.example", "n.example", "m.example")
	if got := w.log.take(); strings.Contains(got, "error") || !w.s.Status().LastOK {
		t.Errorf("an alarm for what is good:\n%s", got)
	}
}

func TestRenamed(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", orders("", "a: a.example", "b: b.example"))
	w.write("z.yaml", orders("", "z: z.example"))
	w.mustStart()
	os.Rename(filepath.Join(w.dir, "a.yaml"), filepath.Join(w.dir, "c.yaml"))
	w.step()
	w.wantBlocked("a.example b.example", "a.example", "b.example")
	if st := w.s.Status(); !st.LastOK || len(st.Files) != 2 {
		t.Errorf("%+v", st)
	}
	w.write("c.yaml", orders("", "a: a.example", "b: b.example", "x: x.example"))
	w.step()
	w.wantBlocked("a.example b.example x.example", "a.example", "b.example", "x.example")

	os.Remove(filepath.Join(w.dir, "c.yaml"))
	w.write("d.yaml", orders("", "a: a.example", "x: x.example"))
	w.step()
	if w.s.Status().LastOK {
		t.Error("order b is nowhere, and nobody says so")
	}
	w.wantBlocked("a.example b.example x.example", "a.example", "b.example", "x.example")
	w.write("e.yaml", orders("", "b: b.example"))
	w.step()
	w.wantBlocked("a.example b.example x.example", "a.example", "b.example", "x.example")
	if st := w.s.Status(); !st.LastOK || len(st.Files) != 3 {
		t.Errorf("%+v\n%s", st, w.log.take())
	}
}

func TestRenamedAndShrunk(t *testing.T) {
	for _, tc := range []struct {
		name, before, after string
		why                 string // the reason of the refusal; empty if the new file replaces the old file
	}{
		{"keeps its targets", orders("serial: 7\n", "a: a.example "+many(40)), orders("serial: 7\n", "a: a.example "+many(40)), ""},
		{"loses more than half", orders("", "a: a.example "+many(40)), orders("", "a: b.example "+many(10)),
			"31 of its 41 targets in force are missing, more than max_shrink 50%. If this is meant, write \"shrink_ok: 11\", the number of targets that this version holds"},
		{"loses more than half and confirms it", orders("", "a: a.example "+many(40)), orders("shrink_ok: 11\n", "a: b.example "+many(10)), ""},
		{"a small file", orders("", "a: a.example "+many(18)), orders("", "a: b.example"), ""},
		{"a higher serial", orders("serial: 7\n", "a: a.example"), orders("serial: 8\n", "a: b.example"), ""},
		{"no serial", orders("serial: 7\n", "a: a.example"), orders("", "a: b.example"), "cannot replace that file: serial: is missing, but the version in force has 7; write a serial above 7"},
		{"a lower serial", orders("serial: 7\n", "a: a.example"), orders("serial: 6\n", "a: b.example"), "cannot replace that file: serial: is 6, but the version in force has 7; write a serial above 7"},
		{"the same serial and other bytes", orders("serial: 7\n", "a: a.example"), orders("serial: 7\n", "a: b.example"), "cannot replace that file: serial: the file has changed, but its serial is still 7; write a serial above 7"},
		{"an order is missing", orders("", "a: a.example", "c: c.example"), orders("", "a: b.example"),
			"no other file that can go into force has 1 order of that file; its orders stay in force until other files contain all of them"},
	} {
		w := newWorld(t)
		w.write("a.yaml", tc.before)
		w.write("z.yaml", orders("", "z: z.example"))
		w.mustStart()
		os.Remove(filepath.Join(w.dir, "a.yaml"))
		w.write("b.yaml", tc.after)
		w.step()
		want, replaced := "a.example", tc.why == ""
		if replaced && !strings.Contains(tc.after, want) {
			want = "b.example"
		}
		w.wantBlocked(want, "a.example", "b.example")
		log := w.log.take()
		if ok := w.s.Status().LastOK; ok != replaced {
			t.Errorf("%s: last load good %v\n%s", tc.name, ok, log)
		}
		if !replaced {
			logged(t, log, 1, "error: "+w.dir+"/b.yaml: contains orders of "+w.dir+"/a.yaml, which is gone, but "+tc.why)
			logged(t, log, 0, "is used by an order of another file")
		}
		if strings.Contains(tc.after, "shrink_ok") {
			logged(t, log, 1, "info: order a: moved from "+w.dir+"/a.yaml and changed, in force; 1 name newly blocked; 31 names freed")
		}
	}
}

func TestRenamedAndRefused(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", orders("", "a: a.example"))
	w.write("y.yaml", orders("", "y: y.example"))
	w.mustStart()
	os.Remove(filepath.Join(w.dir, "a.yaml"))
	w.write("z.yaml", orders("", "a: a.example", "y: other.example"))
	w.step()
	w.wantBlocked("a.example y.example", "a.example", "y.example", "other.example")
	if w.s.Status().LastOK {
		t.Error("no alarm")
	}
	w.write("other.yaml", orders("", "o: third.example"))
	w.step()
	w.wantBlocked("a.example y.example third.example", "a.example", "y.example", "third.example", "other.example")
	w.write("y.yaml", orders(""))
	w.step()
	w.wantBlocked("a.example other.example", "a.example", "y.example", "other.example")
}

func TestSideList(t *testing.T) {
	const text = "version: 1\norders:\n- {id: a, authority: {name: A}, scope: global, targets_from: {file: names.txt}}\n"
	w := newWorld(t)
	w.write("a.yaml", text)
	w.write("names.txt", "# names\na.example\n")
	w.mustStart()
	w.wantBlocked("www.a.example", "www.a.example", "b.example")
	first := w.s.Status().Digest
	for list, same := range map[string]bool{"# names\na.example\n": true, "other.example\n": false} {
		node := newWorld(t)
		node.write("a.yaml", text)
		node.write("names.txt", list)
		node.mustStart()
		if (node.s.Status().Digest == first) != same {
			t.Errorf("another node with %q: same digest %v, want %v", list, !same, same)
		}
	}
	// An unchanged file is not loaded again.
	loaded := w.s.Set()
	if w.step(); w.s.Set() != loaded {
		t.Error("an unchanged file was loaded again")
	}

	w.write("names.txt", "b.example\r\n")
	w.step()
	w.wantBlocked("b.example", "a.example", "b.example")
	if w.s.Status().Digest == first {
		t.Error("the set's digest does not tell its side lists apart")
	}
	w.write("names.txt", "b.example\nc.example:80\n\nd..example\n")
	w.step()
	w.wantBlocked("b.example", "a.example", "b.example")
	log := w.log.take()
	logged(t, log, 1, "names.txt:2: is no name, first of 2 such lines; blocklistctl check shows them")
	logged(t, log, 0, "c.example:80") // a wrong path may lead to a secret file, so the log never quotes a side list
	logged(t, log, 0, "d..example")
	os.Remove(filepath.Join(w.dir, "names.txt"))
	w.step()
	w.wantBlocked("b.example", "a.example", "b.example")
	w.write("names.txt", "c.example\n")
	w.step()
	w.wantBlocked("c.example", "a.example", "b.example", "c.example")
	if !w.s.Status().LastOK {
		t.Error("alarm stays on")
	}
}

func TestHalfWritten(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", orders("", "a: "+many(6)))
	w.mustStart()
	full := orders("", "b: b.example c.example d.example")
	for cut := range len(full) {
		w.write("a.yaml", full[:cut])
		w.s.load(w.s.src.Scan(context.Background(), 0))
		if len(w.blocked("n0.example", "n5.example")) != 2 {
			t.Fatalf("cut at %d: the old version is gone", cut)
		}
	}
	w.write("a.yaml", full)
	w.step()
	w.wantBlocked("b.example d.example", "n0.example", "b.example", "d.example")
}

func TestRegistry(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", orders("", "a: a.example"))
	opt := Options{Patterns: []string{w.dir}, MaxShrink: 50, Poll: 20 * time.Millisecond}
	a, err := Acquire(opt, w.log, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Acquire(opt, w.log, nil)
	if err != nil || a != b {
		t.Fatalf("equal options share a store: %p %p %v", a, b, err)
	}
	opt.MaxShrink = 49
	c, err := Acquire(opt, w.log, nil)
	if err != nil || c == a {
		t.Fatalf("other options do not: %v", err)
	}
	if len(All()) != 2 || !AllReady() {
		t.Errorf("%d stores, ready %v", len(All()), AllReady())
	}
	Release(c)
	Release(a)
	if len(All()) != 1 {
		t.Errorf("%d stores", len(All()))
	}
	// The other store still notices changed files.
	deadline := time.Now().Add(10 * time.Second)
	tmp := filepath.Join(w.dir, ".tmp")
	os.WriteFile(tmp, []byte(orders("", "a: b.example")), 0o644)
	os.Rename(tmp, filepath.Join(w.dir, "a.yaml"))
	for first := b.Set(); b.Set() == first; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("change not seen")
		}
	}
	Release(b)
	if len(All()) != 0 || !AllReady() {
		t.Error("the registry is not empty")
	}
}

func TestStorm(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", orders("", "a: a.example"))
	s, err := Open(Options{Patterns: []string{w.dir}, MaxShrink: 50, Poll: 50 * time.Millisecond}, w.log, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	tmp := filepath.Join(w.dir, ".tmp")
	for i := range 1000 {
		os.WriteFile(tmp, []byte(orders("", fmt.Sprintf("a: n%d.example", i))), 0o644)
		os.Rename(tmp, filepath.Join(w.dir, "a.yaml"))
	}
	w.s = s
	w.clock.Set(time.Now())
	for deadline := time.Now().Add(20 * time.Second); len(w.blocked("n999.example")) == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the last version is not in force")
		}
	}
}
