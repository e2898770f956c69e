package store

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// TestPeak checks that the load of a long side list allocates little more memory than its set.
// The loader must not keep the text or the names as well.
func TestPeak(t *testing.T) {
	const n = 200_000
	var list strings.Builder
	for i := range n {
		fmt.Fprintf(&list, "name%d.example\n", i*7919%1_000_000)
	}
	w := newWorld(t)
	w.write("a.yaml", "version: 1\norders:\n- {id: a, authority: {name: A}, scope: global, targets_from: {file: names.txt}}\n")
	w.write("names.txt", list.String())
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	w.mustStart()
	runtime.ReadMemStats(&after)
	w.wantBlocked("name0.example www.name7919.example", "name0.example", "www.name7919.example")
	made := w.s.Set().Bytes()
	if took := int(after.TotalAlloc - before.TotalAlloc); took > made+made/4+2<<20 {
		t.Errorf("a set of %d bytes allocated %d bytes", made, took)
	}
}
