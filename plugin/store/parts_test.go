package store

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/state"
	"github.com/dns-orders/blocklist/test/crash"
)

func (w *world) recheck() {
	for w.s.recheck() {
	}
}

// countParses counts the calls of parse.
func countParses(t *testing.T) *int {
	n, was := 0, parse
	t.Cleanup(func() { parse = was })
	parse = func(path string, in io.Reader, opt order.Options) (*order.File, order.Problems) {
		n++
		return was(path, in, opt)
	}
	return &n
}

// snapshotFiles returns the snapshots in the state directory.
func (w *world) snapshotFiles() []string {
	w.t.Helper()
	all, err := filepath.Glob(filepath.Join(w.dir, ".state", "part", "*.snap"))
	if err != nil || len(all) == 0 {
		w.t.Fatal("there is no snapshot")
	}
	return all
}

func withSnapshots(t *testing.T) *world {
	w := newWorld(t)
	w.write("a.yaml", orders("serial: 5\ntimezone: Europe/Rome\nexpires: 2090-01-01\n", "a: a.example important.example"))
	w.write("side.yaml", "version: 1\ndefaults: {authority: {name: A}, scope: global}\norders:\n- id: side\n  targets_from: {file: side.txt}\n")
	w.write("side.txt", "s.example\n")
	w.write("protect.txt", "important.example\n")
	if err := w.startWithState(); err != nil {
		t.Fatal(err)
	}
	w.s.Close()
	if n := len(w.snapshotFiles()); n != 2 {
		t.Fatalf("%d snapshots", n)
	}
	w.log.take()
	return w
}

var snapshotNames = []string{"a.example", "s.example", "important.example", "x.example"}

func TestSnapshots(t *testing.T) {
	w := withSnapshots(t)
	want := w.s.Status()
	parses := countParses(t)
	for _, step := range []struct {
		name      string
		before    func()
		at, after int // the number of parses at the start, and after the recheck
	}{
		{"snapshots", func() {}, 0, 2},
		{"no snapshots", func() { w.remove(".state/part") }, 2, 2},
		{"snapshots again", func() {}, 0, 2},
	} {
		step.before()
		*parses = 0
		if err := w.restart(); err != nil {
			t.Fatal(err)
		}
		if *parses != step.at {
			t.Errorf("%s: %d parses at the start, want %d", step.name, *parses, step.at)
		}
		w.wantBlocked("a.example s.example", snapshotNames...)
		w.recheck()
		if *parses != step.after {
			t.Errorf("%s: %d parses, want %d", step.name, *parses, step.after)
		}
		got := w.s.Status()
		if got.Digest != want.Digest || len(got.Files) != len(want.Files) || !w.s.Ready() || !got.LastOK {
			t.Errorf("%s: status %+v, want %+v", step.name, got, want)
		}
		for i, f := range got.Files {
			f.Signed, f.part = want.Files[i].Signed, want.Files[i].part
			if f != want.Files[i] {
				t.Errorf("%s: file %+v, want %+v", step.name, f, want.Files[i])
			}
		}
		w.s.Close()
		if log := w.log.take(); strings.Contains(log, "error") != (step.at > 0) || strings.Contains(log, "not used") {
			t.Errorf("%s: log\n%s", step.name, log)
		}
	}
}

func TestSnapshotNotUsed(t *testing.T) {
	edit := func(change func([]byte) []byte) func(*world) {
		return func(w *world) {
			for _, path := range w.snapshotFiles() {
				b, err := os.ReadFile(path)
				if err != nil {
					w.t.Fatal(err)
				}
				if err := os.WriteFile(path, change(b), 0o600); err != nil {
					w.t.Fatal(err)
				}
			}
		}
	}
	flip := func(part float64) func(*world) {
		return edit(func(b []byte) []byte { b[int(part*float64(len(b)-1))] ^= 4; return b })
	}
	for _, tc := range []struct {
		name, log string
		do        func(w *world)
	}{
		{"first byte", "the snapshot of", flip(0)},
		{"in the header", "the snapshot of", flip(0.1)},
		{"in the middle", "the snapshot of", flip(0.5)},
		{"in the index", "the snapshot of", flip(0.8)},
		{"last byte", "the snapshot of", flip(1)},
		{"cut", "damaged: has", edit(func(b []byte) []byte { return b[:len(b)/2] })},
		{"empty", "damaged: has 0 bytes", edit(func(b []byte) []byte { return nil })},
		{"longer", "damaged: has", edit(func(b []byte) []byte { return append(b, 0) })},
		{"missing", "is missing", func(w *world) { w.remove(".state/part") }},
		{"other response", "other settings made 2 snapshots", func(w *world) { w.s.opt.Rules.Response.Kind = order.NODATA }},
		{"addresses", "other settings made 2 snapshots", func(w *world) { w.s.opt.Rules.Addresses = true }},
		{"no protect list", "other settings made 2 snapshots", func(w *world) { w.s.opt.Protect = nil }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := withSnapshots(t)
			tc.do(w)
			for _, f := range []string{"a.yaml", "side.yaml", "side.txt"} {
				w.remove(f) // only the stored files have the orders
			}
			want := "a.example s.example"
			if len(w.s.opt.Protect) == 0 {
				want += " important.example"
			}
			parses := countParses(t)
			for _, n := range []int{2, 0} {
				*parses = 0
				if err := w.restart(); err != nil {
					t.Fatal(err)
				}
				w.wantBlocked(want, snapshotNames...)
				if *parses != n {
					t.Errorf("%d parses, want %d", *parses, n)
				}
				w.s.Close()
				if n == 0 {
					w.log.take()
				} else {
					w.wantLog(tc.log)
				}
			}
		})
	}
}

func allSettings(dir string) Options {
	at := func(name string) string { return filepath.Join(dir, name) }
	return Options{Patterns: []string{at("a.yaml")}, Protect: []string{at("protect.txt")}, State: at(".state"), Rules: ruleset.Options{
		Addresses: true, NAT64: []netip.Prefix{netip.MustParsePrefix("2001:db8:64::/96")},
		Response: order.Response{Kind: order.Redirect, Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")}},
	}}
}

func printLog(_ *crash.Points, args []string) error {
	log := &lines{}
	s, err := Open(allSettings(args[0]), log, nil)
	if err != nil {
		return err
	}
	s.Close()
	fmt.Println(log.take())
	return nil
}

func TestSnapshotOfOtherProcess(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", orders("", "a: a.example"))
	w.write("protect.txt", "important.example\n192.0.2.0/24\n2001:db8::/32\n")
	s, err := Open(allSettings(w.dir), w.log, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	out, _ := crash.Run(t, 0, "snapshots", w.dir)
	if !strings.Contains(string(out), "the last good versions of 1 order file and 1 protect list are in force") || strings.Contains(string(out), "snapshot") {
		t.Errorf("%s", out)
	}
}

func (w *world) compiled(text string) *ruleset.Part {
	w.t.Helper()
	path := filepath.Join(w.dir, "a.yaml")
	b := ruleset.NewBuilder(path, w.s.rules)
	if _, ps := order.Parse(path, strings.NewReader(text), order.Options{Emit: b.Add}); len(ps) > 0 {
		w.t.Fatal(ps)
	}
	part, _ := b.Freeze()
	return part
}

func TestSnapshotReplaced(t *testing.T) {
	w := withSnapshots(t)
	set, err := state.Read(filepath.Join(w.dir, ".state"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(w.dir, "a.yaml")
	v := set.Versions[path]
	other := ruleset.Snapshot{Part: w.compiled(orders("", "a: x.example important.example")), Expires: 3786912000, Timezone: "Europe/Rome"}
	var snap bytes.Buffer
	if err := ruleset.WriteSnapshot(&snap, originOf(path, v, set.Options, set.Guard), other); err != nil {
		t.Fatal(err)
	}
	if int64(snap.Len()) != v.Snapshot.Size {
		t.Fatalf("%d bytes, want %d", snap.Len(), v.Snapshot.Size)
	}
	if err := os.WriteFile(filepath.Join(w.dir, ".state", "part", v.Snapshot.File()), snap.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := w.restart(); err != nil {
		t.Fatal(err)
	}
	w.wantBlocked("a.example s.example", snapshotNames...)
	w.wantLog("the snapshot of "+path+" is not used", "damaged: has the checksum")
}

func (w *world) forge(text string) {
	w.t.Helper()
	path, part := filepath.Join(w.dir, "a.yaml"), w.compiled(text)
	st, err := state.Open(filepath.Join(w.dir, ".state"), state.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	defer st.Close()
	set := st.Set()
	v := set.Versions[path]
	st.DropSnapshot(path, v.Snapshot)
	st.Commit(state.Next{Set: set, Parts: map[string]func(io.Writer) error{path: func(to io.Writer) error {
		return ruleset.WriteSnapshot(to, originOf(path, v, set.Options, set.Guard), ruleset.Snapshot{Part: part, Expires: order.NoTime})
	}}})
	if err := st.Flush(); err != nil {
		w.t.Fatal(err)
	}
}

func TestSnapshotForged(t *testing.T) {
	w := withSnapshots(t)
	w.forge(orders("", "a: x.example"))
	if err := w.restart(); err != nil {
		t.Fatal(err)
	}
	w.wantBlocked("s.example x.example", snapshotNames...) // nothing has compiled the stored file yet
	w.log.take()
	w.recheck()
	w.wantBlocked("a.example s.example", snapshotNames...)
	w.wantLog("error: state", "the snapshot of "+filepath.Join(w.dir, "a.yaml")+", in force since the start, is wrong: its orders are not the orders of the stored files", "2 orders in force")
	if st := States(); len(st) != 1 || st[0].WrongSnapshots != 1 || st[0].Err != nil {
		t.Errorf("states %+v", st)
	}
	for _, f := range w.s.Status().Files {
		if f.Path == filepath.Join(w.dir, "a.yaml") && (f.Timezone != "Europe/Rome" || f.Expires == order.NoTime) {
			t.Errorf("file %+v", f)
		}
	}
	w.s.Close()
	// The right snapshot has replaced the forged snapshot.
	w.log.take()
	parses := countParses(t)
	if err := w.restart(); err != nil {
		t.Fatal(err)
	}
	w.wantBlocked("a.example s.example", snapshotNames...)
	if *parses != 0 {
		t.Errorf("%d parses", *parses)
	}
	w.recheck()
	if log := w.log.take(); strings.Contains(log, "error") {
		t.Errorf("log\n%s", log)
	}
}

func TestSnapshotForgedDuplicate(t *testing.T) {
	w := withSnapshots(t)
	w.forge(orders("", "z: z.example"))
	w.write("b.yaml", orders("", "a: b.example"))
	if err := w.restart(); err != nil {
		t.Fatal(err)
	}
	w.wantBlocked("b.example s.example z.example", "a.example", "b.example", "s.example", "z.example")
	w.recheck()
	w.wantBlocked("b.example s.example", "a.example", "b.example", "s.example", "z.example")
}

func TestSnapshotWithoutBlob(t *testing.T) {
	w := withSnapshots(t)
	blobs, _ := filepath.Glob(filepath.Join(w.dir, ".state", "blob", "*"))
	for _, path := range blobs {
		if b, _ := os.ReadFile(path); strings.Contains(string(b), "serial: 5") {
			if err := os.WriteFile(path, b[:len(b)/2], 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.restart(); err != nil {
		t.Fatal(err)
	}
	w.recheck()
	w.wantBlocked("a.example s.example", snapshotNames...)
	w.wantLog("error: state", "cannot be compiled, so nothing confirms the snapshot that is in force", "damaged")
	w.s.Close()
	if err := w.restart(); err != nil {
		t.Fatal(err)
	}
	w.recheck()
	if log := w.log.take(); strings.Contains(log, "error") {
		t.Errorf("log\n%s", log)
	}
}

func TestSnapshotOfNewCorefile(t *testing.T) {
	for _, forged := range []bool{true, false} {
		w := withSnapshots(t)
		at := "a.example s.example"
		if forged {
			w.forge(orders("", "a: x.example"))
			at = "s.example x.example"
		}
		if err := w.restart(); err != nil {
			t.Fatal(err)
		}
		opt := w.s.opt
		w.reload(func(o *Options) { *o = opt; o.Rules.Response.Kind = order.NODATA }).Close()
		w.wantBlocked(at, snapshotNames...)
		w.recheck()
		w.wantBlocked("a.example s.example", snapshotNames...)
		if log := w.log.take(); strings.Contains(log, "error") {
			t.Errorf("log\n%s", log)
		}
		w.s.Close()
	}
}

func TestSnapshotOfOtherIDs(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", orders("", "a: a.example", "b: b.example"))
	if err := w.startWithState("a.yaml"); err != nil {
		t.Fatal(err)
	}
	w.s.Close()
	w.remove("a.yaml")
	w.write("c.yaml", orders("", "a: c.example"))
	if err := w.start(nil, "c.yaml"); err != nil {
		t.Fatal(err)
	}
	names := []string{"a.example", "b.example", "c.example"}
	w.reload(withState(w), "a.yaml", "c.yaml").Close()
	w.wantBlocked("b.example c.example", names...)
	w.recheck()
	w.wantBlocked("b.example c.example", names...)
	if st := States(); len(st) != 1 || st[0].WrongSnapshots != 0 {
		t.Errorf("states %+v", st)
	}
}

func TestEarlyStart(t *testing.T) {
	for _, tc := range []struct {
		name  string
		do    func(w *world)
		early bool
	}{
		{"the same files", func(w *world) {}, true},
		{"no files", func(w *world) {
			w.remove("a.yaml")
			w.remove("side.yaml")
			w.remove("side.txt")
			w.remove("protect.txt")
		}, true},
		{"no snapshots", func(w *world) { w.remove(".state/part") }, true},
		{"another file in the folder", func(w *world) { w.write("b.yaml", orders("", "b: x.example")) }, true},
		{"another file in the Corefile", func(w *world) {
			w.write("b/b.yaml", orders("", "b: x.example"))
			w.s.opt.Patterns = append(w.s.opt.Patterns, filepath.Join(w.dir, "b", "b.yaml"))
		}, false},
		{"another protect list", func(w *world) {
			w.write("p.txt", "a.example\n")
			w.s.opt.Protect = append(w.s.opt.Protect, filepath.Join(w.dir, "p.txt"))
		}, false},
		{"no state", func(w *world) { w.remove(".state") }, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := withSnapshots(t)
			if err := os.Mkdir(filepath.Join(w.dir, "b"), 0o755); err != nil {
				t.Fatal(err)
			}
			tc.do(w)
			s, early, err := begin(w.s.opt, w.log, w.clock, nil)
			if err != nil || early != tc.early {
				t.Fatalf("early %t, error %v", early, err)
			}
			defer s.Close()
			w.s = s
			if early {
				w.wantBlocked("a.example s.example", snapshotNames...)
				if !s.Ready() || s.Status().Digest == "" {
					t.Errorf("status %+v", s.Status())
				}
				if err := s.start(context.Background()); err != nil {
					t.Fatal(err)
				}
			}
			want := "a.example s.example"
			switch {
			case strings.Contains(tc.name, "another file"):
				want += " x.example"
			case strings.Contains(tc.name, "another protect"):
				want = "s.example"
			}
			w.wantBlocked(want, snapshotNames...)
		})
	}
}

func TestEarlyStartRuns(t *testing.T) {
	w := withSnapshots(t)
	w.forge(orders("", "a: x.example"))
	w.write("b.yaml", orders("", "b: b.example"))
	s, err := Open(w.s.opt, w.log, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	w.s = s
	deadline := time.Now().Add(20 * time.Second)
	for strings.Join(w.blocked("a.example", "b.example", "s.example", "x.example"), " ") != "a.example b.example s.example" {
		if time.Now().After(deadline) {
			t.Fatal("the files are not loaded, or the snapshot is not compared with its file\n", w.log.take())
		}
		time.Sleep(time.Millisecond)
	}
}
