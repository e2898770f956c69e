package store

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// TestGiveBack: what a big load leaves is collected at once, when the set is in
// force; a small one leaves the collector alone.
func TestGiveBack(t *testing.T) {
	var list strings.Builder
	for i := range bigLoad {
		fmt.Fprintf(&list, "n%d.example\n", i)
	}
	w := newWorld(t)
	w.write("a.yaml", "version: 1\norders:\n- {id: a, authority: {name: A}, scope: global, targets_from: {file: names.txt}}\n")
	w.write("names.txt", list.String())
	w.mustStart()
	forced := func() uint32 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		before := m.NumForcedGC
		w.s.giveBack()
		runtime.ReadMemStats(&m)
		return m.NumForcedGC - before
	}
	if n := forced(); n != 1 {
		t.Errorf("after a list of %d names the collector ran %d times, want once", bigLoad, n)
	}
	w.write("b.yaml", orders("", "b: b.example"))
	w.step()
	w.wantBlocked("n1.example b.example", "n1.example", "b.example")
	if n := forced(); n != 0 {
		t.Errorf("after a small file the collector ran %d times", n)
	}
}
