package store

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func (w *world) startProtected(lists ...string) error {
	return w.start(func(o *Options) {
		for _, l := range lists {
			o.Protect = append(o.Protect, filepath.Join(w.dir, l))
		}
	}, "a.yaml")
}

func TestProtect(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", orders("", "x: drive.usercontent.google.com blocked.example github.io someone.github.io"))
	w.write("a.txt", "google.com\n")
	w.write("b.txt", "# nothing yet\nother.example\n")
	if err := w.startProtected("a.txt", "b.txt"); err != nil {
		t.Fatal(err)
	}
	names := []string{"drive.usercontent.google.com", "blocked.example", "github.io", "someone.github.io"}
	want := func(when, names_ string) {
		t.Helper()
		t.Log(when)
		w.wantBlocked(names_, names...)
	}
	want("at the start", "blocked.example someone.github.io")
	w.wantLog("a.txt: in force: protect list of 1 entry", "the target is held and not enforced, because it is a public suffix", `is protected (`, `got "drive.usercontent.google.com"`)
	digest := w.s.Status().Digest

	w.write("b.txt", "blocked.example\n")
	w.step()
	want("an entry more, no order file touched", "someone.github.io")
	w.wantLog("b.txt: in force: protect list of 1 entry", `got "blocked.example"`)
	if w.s.Status().Digest == digest {
		t.Error("nodes that protect different names have the same digest")
	}

	w.write("a.txt", "*.google.com\n")
	w.step()
	want("a bad list protects as before", "someone.github.io")
	w.wantLog(`a.txt:1:1: must not have a "*"`, "stays in force")
	if st := w.s.Status(); st.LastOK || !st.Ready {
		t.Errorf("status %+v", st)
	}

	os.Remove(filepath.Join(w.dir, "a.txt"))
	w.step()
	want("so does one that is gone", "someone.github.io")
	w.wantLog("a.txt", "its names and networks stay protected")

	w.write("a.txt", " \n")
	w.step()
	want("so does one that was emptied", "someone.github.io")
	w.wantLog("a.txt: is empty: to protect nothing, write a comment that says so, or drop the property", "stays in force")

	w.write("a.txt", "elsewhere.example\n")
	w.step()
	want("an entry less", "drive.usercontent.google.com someone.github.io")
	w.wantLog("warning: " + filepath.Join(w.dir, "a.txt") + ": lost 1 of its 1 entry")

	w.write("a.txt", "# elsewhere.example\n")
	w.step()
	w.wantLog("a.txt: lost 1 of its 1 entry", "protects nothing", "protect list of 0 entries")

	w.write("a.yaml", orders("", "x: drive.usercontent.google.com blocked.example github.io someone.github.io more.blocked.example"))
	w.step()
	w.wantBlocked("drive.usercontent.google.com", "drive.usercontent.google.com", "more.blocked.example", "blocked.example")
	if !w.s.Status().LastOK {
		t.Error(w.s.Status())
	}
}

func TestProtectBadAtStart(t *testing.T) {
	for name, text := range map[string]string{"bad": "-- --\n", "missing": ""} {
		w := newWorld(t)
		w.write("a.yaml", orders("", "x: blocked.example"))
		if text != "" {
			w.write("a.txt", text)
		}
		if err := w.startProtected("a.txt"); err != nil {
			t.Fatal(name, err)
		}
		w.wantBlocked("blocked.example", "blocked.example")
		if w.s.Ready() {
			t.Errorf("%s: ready", name)
		}
		log := w.log.take()
		logged(t, log, 1, "error: ", "a.txt: ", "; its names and networks are NOT protected")
		logged(t, log, 0, "nothing of it")
		w.write("a.txt", "blocked.example\n")
		w.step()
		w.wantBlocked("", "blocked.example")
		if !w.s.Ready() {
			t.Errorf("%s: not ready, %+v", name, w.s.Status())
		}
	}
}

// The wrong file may be a secret key, so the log shows at most three lines.
func TestProtectWrongFile(t *testing.T) {
	w := newWorld(t)
	key := "-----BEGIN PRIVATE KEY-----\n" + strings.Repeat("a secret\n", 10)
	w.write("a.txt", key)
	err := w.startProtected("a.txt")
	if err == nil {
		t.Fatal("started without orders")
	}
	logged(t, err.Error(), 2, `got "a secret"`)
	logged(t, err.Error(), 1, "a.txt: 8 more problems; blocklistctl check --protect FILE lists all")
	log := w.log.take()
	logged(t, log, 2, `got "a secret"`)
	logged(t, log, 1, "error: ", "a.txt: 8 more problems; blocklistctl check --protect FILE lists all")
	logged(t, log, 1, "a.txt: refused for 11 problems; its names and networks are NOT protected")

	w.write("a.yaml", orders("", "x: blocked.example"))
	w.write("a.txt", strings.Repeat("a.example\n", 10))
	if err := w.startProtected("a.txt"); err != nil {
		t.Fatal(err)
	}
	log = w.log.take()
	logged(t, log, 3, "warning: ", "is already on line 1")
	logged(t, log, 1, "warning: ", "a.txt: 6 more warnings; blocklistctl check --protect FILE lists all")
}
