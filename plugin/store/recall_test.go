package store

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/state"
)

func withState(w *world) func(*Options) {
	return func(o *Options) { o.State = filepath.Join(w.dir, ".state") }
}

func (w *world) startWithState(patterns ...string) error {
	w.t.Helper()
	return w.start(func(o *Options) {
		withState(w)(o)
		if _, err := os.Lstat(filepath.Join(w.dir, "protect.txt")); err == nil {
			o.Protect = []string{filepath.Join(w.dir, "protect.txt")}
		}
	}, patterns...)
}

func (w *world) restart() error {
	w.t.Helper()
	w.s.Close()
	opt := w.s.opt
	s, err := prepare(opt, w.log, w.clock, nil)
	if err == nil {
		w.s = s
		w.t.Cleanup(s.Close)
	}
	return err
}

func TestRestart(t *testing.T) {
	for _, tc := range []struct {
		name    string
		down    func(w *world) // changes the files between the two starts
		blocked string         // after the restart
		log     []string
		good    bool // there is no alarm
		ready   bool
	}{
		{name: "the same files", blocked: "a.example b.example s.example", good: true, ready: true, down: func(w *world) {},
			log: []string{"info: state DIR: the last good versions of 3 order files and 1 protect list are in force until the files are read"}},
		{name: "a syntax error", blocked: "a.example b.example s.example", ready: true, down: func(w *world) { w.write("a.yaml", "oops: [\n") },
			log: []string{"error: DIR/a.yaml: refused for", "stays in force"}},
		{name: "an empty file", blocked: "a.example b.example s.example", ready: true, down: func(w *world) { w.write("a.yaml", "") },
			log: []string{"stays in force"}},
		{name: "a lower serial", blocked: "a.example b.example s.example", ready: true, down: func(w *world) { w.write("a.yaml", orders("serial: 4\n", "c: c.example")) },
			log: []string{"serial: is 4, but the version in force has 5"}},
		{name: "the same serial with other bytes", blocked: "a.example b.example s.example", ready: true, down: func(w *world) { w.write("a.yaml", orders("serial: 5\n", "c: c.example")) },
			log: []string{"its serial is still 5"}},
		{name: "no serial", blocked: "a.example b.example s.example", ready: true, down: func(w *world) { w.write("a.yaml", orders("", "c: c.example")) },
			log: []string{"serial: is missing, but the version in force has 5"}},
		{name: "a good version", blocked: "b.example c.example s.example", good: true, ready: true, down: func(w *world) { w.write("a.yaml", orders("serial: 6\n", "c: c.example")) },
			log: []string{"order c: new, in force", "order a: removed"}},
		{name: "a serial that jumps", blocked: "a.example b.example s.example", ready: true, down: func(w *world) { w.write("a.yaml", orders("serial: 9000000000\n", "c: c.example")) },
			log: []string{"blocklistctl state set-serial FILE 9000000000 --reason TEXT"}},
		{name: "a removed file", blocked: "a.example b.example s.example", ready: true, down: func(w *world) { w.remove("b.yaml") },
			log: []string{"error: DIR/b.yaml: is gone; its orders stay in force, also after a restart"}},
		{name: "a link that leads nowhere", blocked: "a.example b.example s.example", ready: true, down: func(w *world) { w.remove("b.yaml"); w.link("nowhere", "b.yaml") },
			log: []string{"error: DIR/b.yaml: is a link that leads nowhere: DIR/nowhere does not exist; its orders stay in force, also after a restart"}},
		{name: "a directory in place of the file", blocked: "a.example b.example s.example", ready: true, down: func(w *world) { w.remove("a.yaml"); os.Mkdir(filepath.Join(w.dir, "a.yaml"), 0o755) },
			log: []string{"error: DIR/a.yaml"}},
		{name: "the side list is gone", blocked: "a.example b.example s.example", ready: true, down: func(w *world) { w.remove("side.txt") },
			log: []string{"error: DIR/side.yaml:5:"}},
		{name: "another side list", blocked: "a.example b.example t.example", good: true, ready: true, down: func(w *world) { w.write("side.txt", "t.example\n") }},
		{name: "the protect list is gone", blocked: "a.example b.example s.example", ready: true, down: func(w *world) { w.remove("protect.txt") },
			log: []string{"its names and networks stay protected"}},
		{name: "a bad protect list", blocked: "a.example b.example s.example", ready: true, down: func(w *world) { w.write("protect.txt", "not a name\n") },
			log: []string{"protect.txt: refused for 1 problem; version"}},
		{name: "all files are gone", blocked: "a.example b.example s.example", ready: true, down: func(w *world) {
			for _, f := range []string{"a.yaml", "b.yaml", "side.yaml", "side.txt"} {
				w.remove(f)
			}
		}},
		{name: "all files are bad", blocked: "a.example b.example s.example", ready: true, down: func(w *world) {
			for _, f := range []string{"a.yaml", "b.yaml", "side.yaml"} {
				w.write(f, "version: 2\n")
			}
		}},
		{name: "another file with the same id", blocked: "a.example b.example s.example", down: func(w *world) { w.write("0.yaml", orders("", "b: c.example")) },
			log: []string{"error: DIR/0.yaml: refused for 1 problem; none of its orders is in force"}},
		{name: "the file has another name", blocked: "a.example b.example s.example", good: true, ready: true, down: func(w *world) { w.rename("b.yaml", "0.yaml") },
			log: []string{"DIR/b.yaml: is gone; other files contain its orders now"}},
		{name: "no orders", blocked: "a.example s.example", good: true, ready: true, down: func(w *world) { w.write("b.yaml", orders("")) },
			log: []string{"order b: removed"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			w.write("a.yaml", orders("serial: 5\n", "a: a.example important.example"))
			w.write("b.yaml", orders("", "b: b.example"))
			w.write("side.yaml", "version: 1\ndefaults: {authority: {name: A}, scope: global}\norders:\n- id: side\n  targets_from: {file: side.txt}\n")
			w.write("side.txt", "s.example\n")
			w.write("protect.txt", "important.example\n")
			if err := w.startWithState(); err != nil {
				t.Fatal(err)
			}
			names := []string{"a.example", "b.example", "c.example", "s.example", "t.example", "important.example"}
			w.wantBlocked("a.example b.example s.example", names...)
			tc.down(w)
			for i := range 2 { // the second restart is as the first restart
				w.log.take()
				if err := w.restart(); err != nil {
					t.Fatal(err)
				}
				w.wantBlocked(tc.blocked, names...)
				st := w.s.Status()
				if st.LastOK != tc.good || w.s.Ready() != tc.ready {
					t.Errorf("restart %d: good %t, ready %t", i+1, st.LastOK, w.s.Ready())
				}
				got := strings.ReplaceAll(strings.ReplaceAll(w.log.take(), w.dir+"/.state", "DIR"), w.dir, "DIR")
				for _, want := range tc.log {
					if !strings.Contains(got, want) && (i == 0 || !tc.good) {
						t.Errorf("restart %d: the log lacks %q:\n%s", i+1, want, got)
					}
				}
			}
			// Good files end each alarm.
			os.RemoveAll(filepath.Join(w.dir, "a.yaml"))
			os.Remove(filepath.Join(w.dir, "b.yaml"))
			os.Remove(filepath.Join(w.dir, "0.yaml"))
			w.write("a.yaml", orders("serial: 7\n", "a: a.example important.example"))
			w.write("b.yaml", orders("", "b: b.example"))
			w.write("side.yaml", "version: 1\ndefaults: {authority: {name: A}, scope: global}\norders:\n- id: side\n  targets_from: {file: side.txt}\n")
			w.write("side.txt", "s.example\n")
			w.write("protect.txt", "important.example\n")
			w.step()
			w.wantBlocked("a.example b.example s.example", names...)
			if !w.s.Status().LastOK {
				t.Errorf("the alarm stays:\n%s", w.log.take())
			}
		})
	}
}

func (w *world) link(target, name string) {
	w.t.Helper()
	if err := os.Symlink(target, filepath.Join(w.dir, name)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) rename(from, to string) {
	w.t.Helper()
	if err := os.Rename(filepath.Join(w.dir, from), filepath.Join(w.dir, to)); err != nil {
		w.t.Fatal(err)
	}
}

func TestDamagedState(t *testing.T) {
	damage := func(path, text string) func(w *world) {
		return func(w *world) {
			all, _ := filepath.Glob(filepath.Join(w.dir, ".state", path))
			if len(all) == 0 {
				w.t.Fatal("nothing to damage")
			}
			for _, p := range all {
				if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
					w.t.Fatal(err)
				}
			}
		}
	}
	for _, tc := range []struct {
		name string
		do   func(w *world)
		log  string
	}{
		{"current.json", damage("current.json", "{}\n"), "current.json: has another checksum"},
		{"a blob with other content", damage("blob/*", orders("", "x: x.example")), "damaged: has the checksum"},
		{"a blob that is no order file", damage("blob/*", "version: 2\n"), "damaged: has the checksum"},
		{"an empty blob", damage("blob/*", ""), "damaged: has the checksum"},
		{"no blobs", func(w *world) { os.RemoveAll(filepath.Join(w.dir, ".state", "blob")) }, "is missing"},
		{"no directory", func(w *world) { os.RemoveAll(filepath.Join(w.dir, ".state")) }, ""},
		{"a file in place of the directory", func(w *world) {
			os.RemoveAll(filepath.Join(w.dir, ".state"))
			w.write(".state", "")
		}, "not a directory; the server goes on with the files"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			w.write("a.yaml", orders("", "a: a.example"))
			w.write("b.yaml", orders("", "b: b.example"))
			if err := w.startWithState(); err != nil {
				t.Fatal(err)
			}
			w.s.Close()
			tc.do(w)
			if err := w.restart(); err != nil {
				t.Fatal(err)
			}
			w.recheck()
			w.wantBlocked("a.example b.example", "a.example", "b.example", "x.example")
			w.s.Close()
			w.wantLog(tc.log)
			if tc.log != "" && strings.Contains(tc.log, "directory") {
				return
			}
			w.remove("a.yaml")
			if err := w.restart(); err != nil {
				t.Fatal(err)
			}
			w.wantBlocked("a.example b.example", "a.example", "b.example", "x.example")
		})
	}
}

func TestUnreadVersionIsKept(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", orders("", "a: a.example"))
	w.write("b.yaml", orders("", "b: b.example"))
	if err := w.startWithState(); err != nil {
		t.Fatal(err)
	}
	w.s.Close()
	w.remove("a.yaml")
	w.remove(".state/part")
	was := parse
	t.Cleanup(func() { parse = was })
	parse = func(path string, in io.Reader, opt order.Options) (*order.File, order.Problems) {
		if filepath.Base(path) == "a.yaml" {
			panic("a bug")
		}
		return was(path, in, opt)
	}
	if err := w.restart(); err != nil {
		t.Fatal(err)
	}
	w.wantBlocked("b.example", "a.example", "b.example")
	w.wantLog("the stored version of " + filepath.Join(w.dir, "a.yaml") + " cannot be put into force")
	parse = was
	if err := w.restart(); err != nil {
		t.Fatal(err)
	}
	w.wantBlocked("a.example b.example", "a.example", "b.example")
}

func TestLateState(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", orders("serial: 5\n", "a: a.example"))
	w.write("b.yaml", orders("", "b: b.example"))
	w.write("c.yaml", orders("", "c: c.example"))
	if err := w.startWithState(); err != nil {
		t.Fatal(err)
	}
	w.s.Close()
	other, err := state.Open(filepath.Join(w.dir, ".state"), state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w.write("a.yaml", orders("serial: 4\n", "a: old.example")) // a replay
	w.remove("b.yaml")
	names := []string{"a.example", "b.example", "c.example", "old.example"}
	if err := w.restart(); err != nil {
		t.Fatal(err)
	}
	w.wantBlocked("c.example old.example", names...)
	w.wantLog("locked by another process; the file names process")
	if st := States(); len(st) != 1 || st[0].Err == nil {
		t.Errorf("status %+v", st)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); !w.s.recalled; {
		w.clock.After(stateRetry)
		w.s.next()
		if time.Now().After(deadline) {
			t.Fatal("the directory was not opened")
		}
	}
	w.wantBlocked("a.example b.example c.example", names...)
	w.wantLog("serial 4, but the state directory has a version with serial 5, which is in force again", "b.yaml: is gone")
	w.s.Close()
	if err := w.restart(); err != nil {
		t.Fatal(err)
	}
	w.wantBlocked("a.example b.example c.example", names...)
	if st := States(); len(st) != 1 || st[0].Err != nil {
		t.Errorf("status %+v", st)
	}
}

func TestSharedState(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", orders("", "a: a.example"))
	w.write("b.yaml", orders("", "b: b.example"))
	if err := w.startWithState(); err != nil {
		t.Fatal(err)
	}
	stored := func() string {
		t.Helper()
		if err := w.s.dir.state.Flush(); err != nil {
			t.Fatal(err)
		}
		var names []string
		for path := range w.s.dir.state.Set().Sorted() {
			names = append(names, filepath.Base(path))
		}
		return strings.Join(names, " ")
	}
	old := w.reload(func(*Options) {}, "a.yaml")
	if got := stored(); got != "a.yaml" {
		t.Errorf("stored %s", got)
	}
	old.load(nil) // the old store must not replace the set
	if got := stored(); got != "a.yaml" {
		t.Errorf("stored %s", got)
	}
	w.s.Close()
	w.s = old
	if got := stored(); got != "a.yaml b.yaml" {
		t.Errorf("stored %s", got)
	}
}

func TestSetSerial(t *testing.T) {
	for _, tc := range []struct {
		set, serial int64
		blocked     string
	}{
		{3, 2, "a.example"}, {3, 3, "b.example"}, {3, 4, "b.example"},
		{1 << 40, 6, "a.example"}, {1 << 40, 1 << 40, "b.example"},
	} {
		w := newWorld(t)
		w.write("a.yaml", orders("serial: 5\n", "a: a.example"))
		if err := w.startWithState(); err != nil {
			t.Fatal(err)
		}
		w.s.Close()
		st, err := state.Open(filepath.Join(w.dir, ".state"), state.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := st.SetSerial(filepath.Join(w.dir, "a.yaml"), tc.set); err != nil {
			t.Fatal(err)
		}
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
		w.write("a.yaml", orders(fmt.Sprintf("serial: %d\n", tc.serial), "b: b.example"))
		for range 2 {
			if err := w.restart(); err != nil {
				t.Fatal(err)
			}
			w.wantBlocked(tc.blocked, "a.example", "b.example")
		}
	}
}

func TestForgottenVersion(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", orders("serial: 5\n", "a: a.example"))
	w.write("b.yaml", orders("", "b: b.example"))
	if err := w.startWithState(); err != nil {
		t.Fatal(err)
	}
	w.s.Close()
	w.remove("a.yaml")
	st, err := state.Open(filepath.Join(w.dir, ".state"), state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Forget(filepath.Join(w.dir, "a.yaml")); err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := w.restart(); err != nil {
			t.Fatal(err)
		}
		w.wantBlocked("b.example", "a.example", "b.example")
	}
	w.write("a.yaml", orders("serial: 4\n", "a: a.example"))
	w.step()
	w.wantBlocked("b.example", "a.example", "b.example")
	w.wantLog("but the last version in force at this path had 5")
}

func TestStoredContentIsReadToItsEnd(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", orders("", "a: a.example"))
	if err := w.startWithState(); err != nil {
		t.Fatal(err)
	}
	if err := w.s.dir.state.Flush(); err != nil {
		t.Fatal(err)
	}
	v := w.s.dir.state.Set().Versions[filepath.Join(w.dir, "a.yaml")]
	for _, damaged := range []bool{false, true} {
		if damaged {
			if err := os.WriteFile(filepath.Join(w.dir, ".state", "blob", "sha256-"+v.Order.String()), []byte("other"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		c := &storedContent{st: w.s.dir.state, v: v}
		r, err := c.Open()
		if err != nil {
			t.Fatal(err)
		}
		r.Read(make([]byte, 1))
		r.Close()
		if err := c.Intact(); (err != nil) != damaged {
			t.Errorf("damaged %t: %v", damaged, err)
		}
	}
}
