package store

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestGiveBack(t *testing.T) {
	var list strings.Builder
	for i := range bigLoad {
		fmt.Fprintf(&list, "n%d.example\n", i)
	}
	w := newWorld(t)
	const side = "version: 1\norders:\n- {id: a, authority: {name: A}, scope: global, targets_from: {file: names.txt}}\n"
	put := func(name, text string) { // renames a finished file into place, so that it is loaded once
		t.Helper()
		w.write(".new", text)
		if err := os.Rename(filepath.Join(w.dir, ".new"), filepath.Join(w.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	until := func(what string, done func() bool) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("not seen: ", what)
			}
		}
	}
	forced := func() uint32 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.NumForcedGC
	}
	put("names.txt", list.String())
	put("a.yaml", side)
	before := forced()
	var err error
	if w.s, err = Open(Options{Patterns: []string{w.dir}, MaxShrink: 50, Poll: 50 * time.Millisecond}, w.log, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.s.Close)
	until("memory given back after the start", func() bool { return forced() == before+1 })

	put("b.yaml", orders("", "b: b.example"))
	until("a small file", func() bool { return len(w.blocked("b.example")) > 0 })
	put("names.txt", list.String()+"more.example\n")
	until("a name more", func() bool { return len(w.blocked("more.example")) > 0 })
	put("c.yaml", orders("", "c: c.example"))
	until("another small file", func() bool { return len(w.blocked("c.example")) > 0 })
	until("memory given back after the change", func() bool { return forced() >= before+2 })
	put("d.yaml", orders("", "d: d.example"))
	until("the last small file", func() bool { return len(w.blocked("d.example")) > 0 })
	if n := forced() - before; n != 2 {
		t.Errorf("the collector was called %d times by two big loads and small ones between, want 2", n)
	}
}

func TestGiveBackRefused(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", orders("", "a: a.example"))
	s, err := Open(w.options("."), w.log, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.s = s
	t.Cleanup(s.Close)
	forced := func() uint32 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.NumForcedGC
	}
	before := forced()
	w.write(".new", strings.Repeat("# "+strings.Repeat("x", 998)+"\n", 60<<10)+"version: 2\norders: []\n")
	if err := os.Rename(filepath.Join(w.dir, ".new"), filepath.Join(w.dir, "b.yaml")); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(60 * time.Second); forced() == before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the memory of the refused file is not given back; the log:\n%s", w.log.take())
		}
	}
	logged(t, w.log.take(), 1, "b.yaml: refused for 1 problem")
}
