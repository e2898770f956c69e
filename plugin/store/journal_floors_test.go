package store

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/plugin/state"
)

func withJournal(w *world) func(*Options) {
	return func(o *Options) {
		withState(w)(o)
		o.Journal, o.Origin = filepath.Join(w.dir, ".journal"), "node1"
	}
}

func (w *world) floorsRead() {
	w.t.Helper()
	if !w.s.journal.Flush(time.Minute) {
		w.t.Fatal("the journal does not answer")
	}
	w.s.next()
	w.s.journal.Flush(time.Minute)
}

// loseState removes the state directory.
func (w *world) loseState() {
	w.t.Helper()
	if err := os.RemoveAll(filepath.Join(w.dir, ".state")); err != nil {
		w.t.Fatal(err)
	}
}

func acceptNine(t *testing.T) *world {
	w := newWorld(t)
	w.write("a.yaml", orders(serial(5), "o: five.example"))
	w.write("b.yaml", orders("", "b: b.example"))
	if err := w.start(withJournal(w), "a.yaml", "b.yaml"); err != nil {
		t.Fatal(err)
	}
	w.floorsRead()
	w.wantAlarm()
	if err := w.s.dir.state.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(w.dir, ".state5"), os.DirFS(filepath.Join(w.dir, ".state"))); err != nil {
		t.Fatal(err)
	}
	w.write("a.yaml", orders(serial(9), "o: nine.example"))
	w.step()
	w.wantBlocked("nine.example", "five.example", "nine.example")
	w.s.Close()
	w.log.take()
	return w
}

const fiveOrNine = "serial: is 5, but an earlier version in force had 9; put the newest version back, or write a serial above 9"

func TestJournalFloor(t *testing.T) {
	names := []string{"five.example", "nine.example", "b.example"}
	for _, tc := range []struct {
		name    string
		down    func(w *world) // changes the files while the server is stopped
		blocked string
		alarm   string // after the journal was read; "" means none
	}{
		{"nothing is lost", func(*world) {}, "nine.example b.example", ""},
		{"the state directory is lost", func(w *world) { w.loseState() }, "nine.example b.example", ""},
		{"the state directory is lost, and the file is old", func(w *world) { w.loseState(); w.write("a.yaml", orders(serial(5), "o: five.example")) },
			"five.example b.example", fiveOrNine + ", or run: blocklistctl state set-serial FILE 5 --reason TEXT; version"},
		{"the state directory is lost, and the file has other bytes", func(w *world) { w.loseState(); w.write("a.yaml", orders(serial(9), "o: five.example")) },
			"five.example b.example", "serial: is 9, but an earlier version in force had this serial and other bytes"},
		{"the state directory is lost, and the file has no serial", func(w *world) { w.loseState(); w.write("a.yaml", orders("", "o: five.example")) },
			"five.example b.example", "serial: is none, but an earlier version in force had 9"},
		{"the state directory and the file are old", func(w *world) {
			w.loseState()
			w.rename(".state5", ".state")
			w.write("a.yaml", orders(serial(5), "o: five.example"))
		}, "five.example b.example", fiveOrNine},
		{"the state directory is old", func(w *world) { w.loseState(); w.rename(".state5", ".state") }, "nine.example b.example", ""},
		{"the state directory is lost, and the file is new", func(w *world) { w.loseState(); w.write("a.yaml", orders(serial(10), "o: five.example")) },
			"five.example b.example", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := acceptNine(t)
			tc.down(w)
			for range 2 { // the second restart is as the first restart
				if err := w.restart(); err != nil {
					t.Fatal(err)
				}
				w.wantBlocked(tc.blocked, names...) // before the floor is known
				w.floorsRead()
				w.wantBlocked(tc.blocked, names...)
				if tc.alarm == "" {
					w.wantAlarm()
				} else {
					w.wantAlarm(tc.alarm)
				}
				if st := w.s.Status(); st.LastOK != (tc.alarm == "") || !st.Ready {
					t.Errorf("last load good: %t, ready: %t", st.LastOK, st.Ready)
				}
				if err := w.s.dir.state.Flush(); err != nil {
					t.Fatal(err)
				}
				if floor := w.s.dir.state.Set().Floors[filepath.Join(w.dir, "a.yaml")]; floor.Serial < 9 {
					t.Errorf("the state directory has the floor %d", floor.Serial)
				}
				w.step() // an unchanged file does not end the alarm
				if st := w.s.Status(); st.LastOK != (tc.alarm == "") {
					t.Errorf("last load good: %t after a look at the files", st.LastOK)
				}
				w.log.take()
			}
		})
	}
}

func TestJournalFloorOfLaterVersions(t *testing.T) {
	w := acceptNine(t)
	w.loseState()
	w.write("a.yaml", orders(serial(5), "o: five.example"))
	if err := w.restart(); err != nil {
		t.Fatal(err)
	}
	w.floorsRead()
	w.wantAlarm(fiveOrNine)
	names := []string{"five.example", "seven.example", "nine.example"}

	w.write("a.yaml", orders(serial(7), "o: seven.example"))
	w.step()
	w.wantBlocked("five.example", names...)
	w.wantAlarm("serial: is 7, but an earlier version in force had 9; write a serial above 9")

	w.write("a.yaml", orders(serial(9), "o: seven.example"))
	w.step()
	w.wantBlocked("five.example", names...)
	w.wantAlarm("the file has changed, but its serial is still 9")

	if f := w.s.Status().Files[0]; f.Serial != 5 {
		t.Errorf("the version in force has serial %d", f.Serial)
	}
	w.reload(func(o *Options) { o.Rules.NoCountry = true })
	w.floorsRead()
	w.step()
	if w.s.Status().LastOK {
		t.Error("the alarm ends with a reload")
	}

	w.write("a.yaml", orders(serial(9), "o: nine.example")) // the bytes that were accepted
	w.step()
	w.wantBlocked("nine.example", names...)
	if !w.s.Status().LastOK {
		t.Errorf("the alarm stays:\n%s", w.log.take())
	}
}

func TestJournalFloorOfMissingFile(t *testing.T) {
	w := acceptNine(t)
	w.loseState()
	w.remove("a.yaml")
	if err := w.restart(); err != nil {
		t.Fatal(err)
	}
	w.floorsRead()
	w.log.take()
	w.write("a.yaml", orders(serial(7), "o: seven.example"))
	w.step()
	w.wantBlocked("b.example", "seven.example", "b.example")
	w.wantAlarm("serial: is 7, but the last version in force at this path had 9; write a serial above 9")
	w.write("a.yaml", orders(serial(10), "o: seven.example"))
	w.step()
	w.wantBlocked("seven.example b.example", "seven.example", "b.example")
}

func TestJournalFloorAndSetSerial(t *testing.T) {
	for _, running := range []bool{true, false} {
		w := acceptNine(t)
		if running {
			w.loseState()
			w.write("a.yaml", orders(serial(5), "o: five.example"))
			if err := w.restart(); err != nil {
				t.Fatal(err)
			}
			w.floorsRead()
			n := int64(5)
			if a := w.ask(state.Change{Command: state.CommandSetSerial, Path: "a.yaml", Serial: &n}); a.Refused != "" {
				t.Fatal(a)
			}
		} else {
			st, err := state.Open(filepath.Join(w.dir, ".state"), state.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if err := st.SetSerial(filepath.Join(w.dir, "a.yaml"), 5); err != nil {
				t.Fatal(err)
			}
			if err := st.Close(); err != nil {
				t.Fatal(err)
			}
			w.write("a.yaml", orders(serial(5), "o: five.example"))
			if err := w.restart(); err != nil {
				t.Fatal(err)
			}
			w.floorsRead()
		}
		w.step()
		w.wantBlocked("five.example", "five.example", "nine.example")
		if !w.s.Status().LastOK {
			t.Errorf("running %t: the alarm stays:\n%s", running, w.log.take())
		}
		w.s.Close()
		w.loseState()
		w.log.take()
		if err := w.restart(); err != nil {
			t.Fatal(err)
		}
		w.floorsRead()
		w.wantBlocked("five.example", "five.example", "nine.example")
		if running {
			continue // the request is recorded by its own code
		}
		w.wantAlarm()
	}
}

func TestJournalFloorIsLate(t *testing.T) {
	w := acceptNine(t)
	other := journal.Open(filepath.Join(w.dir, ".journal"), journal.Options{Origin: "node1"})
	if !other.Flush(time.Minute) {
		t.Fatal("the journal does not open")
	}
	w.loseState()
	w.write("a.yaml", orders(serial(5), "o: five.example"))
	if err := w.restart(); err != nil {
		t.Fatal(err)
	}
	w.wantBlocked("five.example", "five.example", "nine.example")
	w.s.next()
	if log := w.log.take(); strings.Contains(log, "earlier version") {
		t.Errorf("an alarm before the journal is read:\n%s", log)
	}
	other.Close(time.Minute)
	w.floorsRead()
	w.wantAlarm(fiveOrNine)
}

func TestJournalSerial(t *testing.T) {
	w := acceptNine(t)
	n := int64(20)
	if err := w.restart(); err != nil {
		t.Fatal(err)
	}
	if a := w.ask(state.Change{Command: state.CommandSetSerial, Path: "a.yaml", Serial: &n}); a.Refused != "" {
		t.Fatal(a)
	}
	if f := w.s.Status().Files[0]; f.Serial != 9 {
		t.Errorf("the status has serial %d", f.Serial)
	}
	w.write("a.yaml", orders(serial(12), "o: nine.example"))
	w.step()
	w.wantAlarm("serial: is 12, but a person has set the serial 20")
	w.reload(func(o *Options) { o.MaxShrink++ }) // the new store records its versions
	w.floorsRead()
	err := journal.Read(filepath.Join(w.dir, ".journal"), func(r journal.Record, _ []byte) bool {
		for _, v := range r.Files {
			if r.Event == journal.Outcome && v.Problem == "" && v.Serial != nil && *v.Serial != 5 && *v.Serial != 9 {
				t.Errorf("the journal has serial %d for version %.12s", *v.Serial, v.SHA256)
			}
		}
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestJournalFloorOfRemovedFile(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", orders(serial(9), "o: nine.example"))
	w.write("b.yaml", orders("", "b: b.example"))
	if err := w.start(withJournal(w)); err != nil {
		t.Fatal(err)
	}
	w.s.Close()
	w.loseState()
	w.remove("a.yaml")
	if err := w.restart(); err != nil {
		t.Fatal(err)
	}
	w.floorsRead()
	w.write("a.yaml", orders(serial(7), "o: seven.example"))
	w.step()
	w.wantBlocked("b.example", "seven.example", "b.example")
	w.wantAlarm("serial: is 7, but the last version in force at this path had 9; write a serial above 9")
}

func TestJournalFloorOfWaitingVersion(t *testing.T) {
	w := acceptNine(t)
	w.loseState()
	w.write("a.yaml", orders(serial(5), "b: five.example")) // b.yaml has the order b too
	w.s.opt.Patterns = []string{filepath.Join(w.dir, "b.yaml"), filepath.Join(w.dir, "a.yaml")}
	if err := w.restart(); err != nil {
		t.Fatal(err)
	}
	w.floorsRead()
	w.log.take()
	w.write("b.yaml", orders("", "c: b.example"))
	w.step()
	w.wantBlocked("b.example", "five.example", "b.example")
	w.wantAlarm("serial: is 5, but the last version in force at this path had 9")
}

func TestJournalFloorAndLateState(t *testing.T) {
	w := acceptNine(t)
	w.loseState()
	w.rename(".state5", ".state")
	other, err := state.Open(filepath.Join(w.dir, ".state"), state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w.remove("a.yaml")
	if err := w.restart(); err != nil {
		t.Fatal(err)
	}
	w.floorsRead()
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	w.clock.After(stateRetry)
	for deadline := time.Now().Add(time.Minute); len(w.blocked("five.example")) == 0 && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		w.s.next()
	}
	w.wantBlocked("five.example", "five.example", "nine.example") // the stored version
	w.log.take()
	w.write("a.yaml", orders(serial(7), "o: seven.example"))
	w.step()
	w.wantBlocked("five.example", "five.example", "seven.example")
	w.wantAlarm("serial: is 7, but an earlier version in force had 9")
}
