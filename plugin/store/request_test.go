package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/state"
)

func (w *world) ask(c state.Change) state.Answer {
	w.t.Helper()
	dir := filepath.Join(w.dir, ".state")
	if c.Path != "" {
		c.Path = filepath.Join(w.dir, c.Path)
	}
	c.Time, c.Reason = w.clock.Now(), "ticket 17"
	id, err := state.Ask(dir, c, w.clock.Now().Add(time.Hour))
	if err != nil {
		w.t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		w.clock.After(lookEvery)
		w.s.next()
		a, ok, err := state.Answered(dir, id)
		if err != nil {
			w.t.Fatal(err)
		}
		if ok {
			return a
		}
	}
	w.t.Fatal("no answer")
	return state.Answer{}
}

func TestForgetRequest(t *testing.T) {
	for _, tc := range []struct {
		name, path string
		spoil      func(w *world)
		refused    string
		blocked    string   // after the request, and after a restart
		log        []string // the lines after the request contain these texts
		good       bool     // no alarm is left
		ready      bool
	}{
		{name: "a file of the directory that is gone", path: "a.yaml", spoil: func(w *world) { w.remove("a.yaml") },
			blocked: "b.example", good: true, ready: true, log: []string{"a.yaml: forgotten: 1 order removed", "order a: removed from", `a.yaml, reason "ticket 17": done`}},
		{name: "a file of the configuration that is gone", path: "sub/b.yaml", spoil: func(w *world) { w.remove("sub/b.yaml") },
			blocked: "a.example", log: []string{"error: DIR/sub/b.yaml: missing; none of its orders is in force", "sub/b.yaml: forgotten: 1 order removed"}},
		{name: "a broken file", path: "a.yaml", spoil: func(w *world) { w.write("a.yaml", "oops: [\n") },
			blocked: "b.example", log: []string{"refused for 1 problem; none of its orders is in force"}},
		{name: "a good file", path: "a.yaml", spoil: func(*world) {}, refused: "the file is there and its newest version is in force",
			blocked: "a.example b.example", good: true, ready: true, log: []string{"warning: ", "refused: the file is there"}},
		{name: "an unknown file", path: "x.yaml", spoil: func(*world) {}, refused: "the server has no version of this file in force",
			blocked: "a.example b.example", good: true, ready: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			if err := os.Mkdir(filepath.Join(w.dir, "sub"), 0o755); err != nil {
				t.Fatal(err)
			}
			w.write("a.yaml", orders("serial: 5\n", "a: a.example"))
			w.write("sub/b.yaml", orders("serial: 5\n", "b: b.example"))
			w.write("c.yaml", orders("", "c: c.example"))
			if err := w.start(func(o *Options) { // with a journal, which must not need the forgotten file
				withState(w)(o)
				o.Journal, o.Origin = filepath.Join(w.dir, ".journal"), "node1"
			}, "", "sub/b.yaml"); err != nil {
				t.Fatal(err)
			}
			tc.spoil(w)
			w.step()
			w.log.take()
			a := w.ask(state.Change{Command: state.CommandForget, Path: tc.path})
			if !strings.Contains(a.Refused, tc.refused) || (a.Refused == "") != (tc.refused == "") || (a.Done == "") != (tc.refused != "") || a.NotStored != "" {
				t.Errorf("answer %+v", a)
			}
			w.wantBlocked(tc.blocked, "a.example", "b.example")
			log := strings.ReplaceAll(w.log.take(), w.dir, "DIR")
			for _, want := range tc.log {
				if !strings.Contains(log, want) {
					t.Errorf("the log lacks %q:\n%s", want, log)
				}
			}
			if st := w.s.Status(); st.LastOK != tc.good || st.Ready != tc.ready {
				t.Errorf("good %v, ready %v\n%s", st.LastOK, st.Ready, log)
			}
			if err := w.restart(); err != nil {
				t.Fatal(err)
			}
			w.wantBlocked(tc.blocked, "a.example", "b.example")
			// The serial stays.
			if tc.refused == "" {
				w.write(tc.path, orders("serial: 4\n", "n: n.example"))
				w.step()
				w.wantBlocked(tc.blocked, "a.example", "b.example", "n.example")
				w.wantLog("but the last version in force at this path had 5")
			}
		})
	}
}

func TestForgetProtectList(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", orders("", "a: a.example b.example"))
	w.write("protect.txt", "a.example\n")
	if err := w.startWithState("a.yaml"); err != nil {
		t.Fatal(err)
	}
	w.remove("protect.txt")
	w.step()
	w.wantBlocked("b.example", "a.example", "b.example")
	w.log.take()
	if a := w.ask(state.Change{Command: state.CommandForget, Path: "protect.txt"}); a.Refused != "" {
		t.Errorf("answer %+v", a)
	}
	w.wantBlocked("a.example b.example", "a.example", "b.example")
	w.wantLog("protect.txt: missing; its names and networks are NOT protected", "order a: \"a.example\" is enforced now, no longer held")
	if w.s.Status().Ready {
		t.Error("ready without the protect list")
	}
}

func TestSetSerialRequest(t *testing.T) {
	for _, tc := range []struct {
		set, serial int64
		blocked     string
	}{
		{3, 2, "a.example"}, {3, 3, "b.example"}, {3, 4, "b.example"},
		{1 << 40, 1 << 40, "b.example"}, {5, 5, "b.example"},
	} {
		w := newWorld(t)
		w.write("a.yaml", orders("serial: 5\n", "a: a.example"))
		if err := w.startWithState(); err != nil {
			t.Fatal(err)
		}
		w.write("a.yaml", orders(fmt.Sprintf("serial: %d\n", tc.serial), "b: b.example"))
		w.step()
		w.wantBlocked("a.example", "a.example", "b.example")
		if a := w.ask(state.Change{Command: state.CommandSetSerial, Path: "a.yaml", Serial: &tc.set}); a.Refused != "" {
			t.Errorf("answer %+v", a)
		}
		w.step()
		w.wantBlocked(tc.blocked, "a.example", "b.example")
		if err := w.restart(); err != nil {
			t.Fatal(err)
		}
		w.wantBlocked(tc.blocked, "a.example", "b.example")
	}
}

func TestSetSerialOfNewFile(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", orders("serial: 5\n"))
	w.write("b.yaml", orders("", "b: b.example"))
	if err := w.startWithState(); err != nil {
		t.Fatal(err)
	}
	w.write("new.yaml", orders("serial: 2062010100\n", "n: n.example"))
	w.remove("a.yaml")
	w.step()
	w.wantBlocked("", "n.example")
	future, low := int64(2062010100), int64(3)
	if a := w.ask(state.Change{Command: state.CommandSetSerial, Path: "new.yaml", Serial: &future}); a.Refused != "" {
		t.Errorf("answer %+v", a)
	}
	if a := w.ask(state.Change{Command: state.CommandSetSerial, Path: "a.yaml", Serial: &low}); a.Refused != "" {
		t.Errorf("answer %+v", a)
	}
	if a := w.ask(state.Change{Command: state.CommandSetSerial, Path: "sub/a.yaml", Serial: &low}); !strings.Contains(a.Refused, "configuration of the server does not include") {
		t.Errorf("answer %+v", a)
	}
	w.write("a.yaml", orders("serial: 3\n", "a: a.example"))
	w.step()
	w.wantBlocked("a.example n.example", "a.example", "n.example")
	if st := w.s.Status(); !st.Ready || !st.LastOK {
		t.Errorf("ready %v, good %v", st.Ready, st.LastOK)
	}
}

// TestLateRequest checks that an expired request is refused.
func TestLateRequest(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", orders("", "a: a.example"))
	w.write("b.yaml", orders("", "b: b.example"))
	if err := w.startWithState(); err != nil {
		t.Fatal(err)
	}
	w.remove("a.yaml")
	w.step()
	dir := filepath.Join(w.dir, ".state")
	id, err := state.Ask(dir, state.Change{Time: w.clock.Now(), Command: state.CommandForget, Path: filepath.Join(w.dir, "a.yaml"), Reason: "x"}, w.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	w.clock.After(time.Minute)
	w.s.next()
	w.s.Close() // waits for the answer
	if a, ok, err := state.Answered(dir, id); err != nil || !ok || !strings.Contains(a.Refused, "came too late") {
		t.Errorf("answer %+v, %v, %v", a, ok, err)
	}
	w.wantBlocked("a.example b.example", "a.example", "b.example")
}

func TestRequestNotStored(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", orders("", "a: a.example"))
	w.write("b.yaml", orders("", "b: b.example"))
	if err := w.startWithState(); err != nil {
		t.Fatal(err)
	}
	if err := w.s.dir.state.Flush(); err != nil {
		t.Fatal(err)
	}
	w.remove("a.yaml")
	w.step()
	// A directory in place of current.json makes each write fail, even for root.
	current := filepath.Join(w.dir, ".state", "current.json")
	if err := errors.Join(os.Remove(current), os.MkdirAll(filepath.Join(current, "x"), 0o700)); err != nil {
		t.Fatal(err)
	}
	a := w.ask(state.Change{Command: state.CommandForget, Path: "a.yaml"})
	if a.Done == "" || a.NotStored == "" {
		t.Errorf("answer %+v", a)
	}
	w.wantBlocked("b.example", "a.example", "b.example")
}

func TestOlderStoreTakesNoRequest(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", orders("", "a: a.example"))
	if err := w.startWithState(); err != nil {
		t.Fatal(err)
	}
	old := w.reload(func(*Options) {}, "a.yaml")
	dir := filepath.Join(w.dir, ".state")
	if _, err := state.Ask(dir, state.Change{Time: w.clock.Now(), Command: state.CommandAccept, Reason: "x"}, w.clock.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	w.clock.After(time.Second)
	if got := w.s.dir.take(old); len(got) != 0 {
		t.Errorf("the old store takes %v", got)
	}
	if got := w.s.dir.take(w.s); len(got) != 1 {
		t.Errorf("the new store takes %v", got)
	}
	old.Close()
}

func TestUnacceptedState(t *testing.T) {
	const alarm = "the directory was new, empty or damaged at "
	w, k := newWorld(t), signer(t)
	w.signed(k, "a.yaml", orders(serial(1), "a: a.example"))
	start := func(o *Options) {
		verified(t, 1, k)(o)
		withState(w)(o)
	}
	if err := w.start(start, "a.yaml"); err != nil {
		t.Fatal(err)
	}
	w.wantAlarm(alarm)
	if err := w.restart(); err != nil {
		t.Fatal(err)
	}
	w.wantAlarm(alarm)
	if st := States(); len(st) != 1 || st[0].Unaccepted.IsZero() || st[0].Err != nil {
		t.Errorf("status %+v", st)
	}
	if a := w.ask(state.Change{Command: state.CommandAccept}); a.Refused != "" || a.Done == "" || a.NotStored != "" {
		t.Errorf("answer %+v", a)
	}
	for range 2 {
		if st := States(); len(st) != 1 || !st[0].Unaccepted.IsZero() {
			t.Errorf("status %+v", st)
		}
		w.log.take()
		if err := w.restart(); err != nil {
			t.Fatal(err)
		}
		w.wantAlarm()
	}
	// The set of versions is lost.
	w.s.Close()
	if err := os.Remove(filepath.Join(w.dir, ".state", "current.json")); err != nil {
		t.Fatal(err)
	}
	if err := w.restart(); err != nil {
		t.Fatal(err)
	}
	w.wantAlarm(alarm, "no version is known")
	w.s.Close()
	w.log.take()

	// Without signatures, only the damage is an alarm.
	if err := w.start(withState(w), "a.yaml"); err != nil {
		t.Fatal(err)
	}
	w.wantAlarm("the list of versions was damaged or lost at ")
	if st := States(); len(st) != 1 || st[0].Unaccepted.IsZero() {
		t.Errorf("status %+v", st)
	}
	w.s.Close()
	w.log.take()
	if err := os.RemoveAll(filepath.Join(w.dir, ".state")); err != nil {
		t.Fatal(err)
	}
	if err := w.start(withState(w), "a.yaml"); err != nil {
		t.Fatal(err)
	}
	if log := w.log.take(); strings.Contains(log, alarm) {
		t.Errorf("an alarm without signatures:\n%s", log)
	}
	if st := States(); len(st) != 1 || !st[0].Unaccepted.IsZero() {
		t.Errorf("status %+v", st)
	}
}

func (w *world) replaced(dir string) {
	w.t.Helper()
	failing := false
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		w.clock.After(lookEvery)
		w.s.next()
		st := States()[0]
		failing = failing || st.Err != nil
		set, err := state.Read(dir)
		if failing && w.s.recalled && err == nil && len(set.Versions) == 1 && st.Err == nil {
			return
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) || time.Now().After(deadline) {
			w.t.Fatalf("%v, %d versions, failing %v, status %+v", err, len(set.Versions), failing, st)
		}
	}
}

func TestLostState(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", orders("serial: 5\n", "a: a.example"))
	if err := w.startWithState("a.yaml"); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(w.dir, ".state")
	if err := w.s.dir.state.Flush(); err != nil {
		t.Fatal(err)
	}
	w.log.take()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	w.replaced(dir)
	w.wantBlocked("a.example", "a.example")
	w.wantLog("error: state ", "was removed or replaced", "works again")
	if err := w.restart(); err != nil {
		t.Fatal(err)
	}
	w.wantLog("the last good versions of 1 order file")
}

func TestReplacedState(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", orders("serial: 9\n", "a: new.example"))
	if err := w.startWithState("a.yaml"); err != nil {
		t.Fatal(err)
	}
	w.s.Close()
	dir := filepath.Join(w.dir, ".state")
	if err := os.Rename(dir, dir+".backup"); err != nil {
		t.Fatal(err)
	}
	w.write("a.yaml", orders("serial: 5\n", "a: old.example"))
	if err := w.restart(); err != nil {
		t.Fatal(err)
	}
	w.wantBlocked("old.example", "old.example", "new.example")
	if err := w.s.dir.state.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Rename(dir, dir+".away"), os.Rename(dir+".backup", dir)); err != nil {
		t.Fatal(err)
	}
	w.replaced(dir)
	w.wantBlocked("new.example", "old.example", "new.example")
	w.wantLog("the file has serial 5, but the state directory has a version with serial 9, which is in force again")
}
