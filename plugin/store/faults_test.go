package store

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/source"
)

func TestLogIsPrintable(t *testing.T) {
	const forged = "x\n[ERROR] forged\x1b[2J"
	w := newWorld(t)
	w.write("a.yaml", orders("", "a: a.example"))
	w.write(forged+".yaml", "version: 2\norders: []\n")
	w.write("b.yaml", `{"version": 1, "orders": [{"id": "b", "authority": {"name": "A"}, "scope": "global", "targets_from": {"file": "no\n[ERROR] forged"}}]}`)
	w.mustStart()
	w.write(forged+".yaml", orders("", "f: f.example"))
	w.step()
	w.remove(forged + ".yaml")
	w.step()
	log := w.log.take()
	for line := range strings.SplitSeq(log, "\n") {
		if !printable.Is(line) || strings.HasPrefix(line, "[ERROR]") {
			t.Errorf("a line of the log is %q", line)
		}
	}
	if !strings.Contains(log, "forged") {
		t.Error("the log names no file")
	}
	w = newWorld(t)
	w.write(forged+".yaml", "version: 2\norders: []\n")
	err := w.start(nil)
	if err == nil {
		t.Fatal("started")
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if !printable.Is(line) || strings.HasPrefix(line, "[ERROR]") {
			t.Errorf("a line of the error is %q", line)
		}
	}
}

func TestDetached(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", orders("", "a: a.example"))
	w.mustStart("a.yaml")
	src, err := source.New(source.Config{Patterns: []string{filepath.Join(w.dir, "a.yaml")}, Clock: w.clock})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	report := src.Scan(t.Context(), 0)[0]
	report.Detached = true
	w.log.take()
	for range 2 {
		w.s.load([]source.File{report})
	}
	logged(t, w.log.take(), 1, "error: ", "was replaced outside of this mount; changes can no longer be seen: mount the directory")
	if st := w.s.Status(); st.LastOK || !st.Ready {
		t.Errorf("last_load_ok %t, ready %t; want an alarm, and ready", st.LastOK, st.Ready)
	}
	w.wantBlocked("a.example", "a.example")
	report.Detached = false
	w.s.load([]source.File{report})
	if !w.s.Status().LastOK {
		t.Error("the alarm stays")
	}
}

func TestPendingSaysWhy(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", orders("", "a: a.example"))
	w.mustStart("a.yaml")
	path := filepath.Join(w.dir, "a.yaml")
	w.log.take()
	for range 2 {
		w.s.load([]source.File{{Path: path, State: source.Pending, Err: fmt.Errorf("%s: %w", path, errors.New("reading does not finish"))}})
	}
	logged(t, w.log.take(), 1, "reading does not finish; version", "stays in force")
}

func TestLinkThatLeadsNowhere(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", orders("", "a: a.example"))
	w.mustStart("a.yaml")
	w.log.take()
	path := filepath.Join(w.dir, "a.yaml") // the configuration contains the path itself, so the store does not forget the file
	w.s.files[path].version = noVersion
	w.s.load([]source.File{{Path: path, State: source.Missing}})
	logged(t, w.log.take(), 1, "error: ", "none of its orders is in force")
	if st := w.s.Status(); st.LastOK || st.Ready {
		t.Errorf("last_load_ok %t, ready %t", st.LastOK, st.Ready)
	}
}

func TestClashesInARow(t *testing.T) {
	const n = 50
	w := newWorld(t)
	name := func(i int) string { return fmt.Sprintf("f%02d.yaml", i) }
	for i := range n + 1 {
		w.write(name(i), orders("", fmt.Sprintf("id%d: n%d.example", i, i)))
	}
	w.mustStart()
	for i := range n {
		w.write(name(i), orders("", fmt.Sprintf("id%d: k%d.example", i+1, i)))
	}
	w.step()
	w.wantBlocked("n0.example n49.example n50.example", "n0.example", "n49.example", "n50.example", "k0.example", "k49.example")
	log := w.log.take()
	logged(t, log, n, `id: is used by an order of another file, `)
	w.write(name(n), orders("", "id0: k50.example"))
	w.step()
	w.wantBlocked("k0.example k49.example k50.example", "n0.example", "n50.example", "k0.example", "k49.example", "k50.example")
	if !w.s.Status().LastOK {
		t.Error("the alarm stays")
	}
}
