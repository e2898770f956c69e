package store

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/ruleset/index"
)

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
	mapped := index.Mapped()
	w.mustStart()
	runtime.ReadMemStats(&after)
	w.wantBlocked("name0.example www.name7919.example", "name0.example", "www.name7919.example")
	made := w.s.Set().Bytes()
	if took := int(after.TotalAlloc-before.TotalAlloc) + int(index.Mapped()-mapped); took > made+made/4+2<<20 {
		t.Errorf("a set of %d bytes allocated %d bytes", made, took)
	}
}

// reloads is the number of loads of TestReloadsLeakNothing.
var reloads = 15

// The indexes of a set are outside of the Go heap.
func TestReloadsLeakNothing(t *testing.T) {
	list := many(60_000)
	w := newWorld(t)
	w.write("a.yaml", "version: 1\norders:\n- {id: a, authority: {name: A}, scope: global, targets_from: {file: names.txt}}\n")
	write := func(i int) {
		w.write("names.txt", strings.ReplaceAll(list, " ", "\n")+fmt.Sprintf("\nr%d.example\n", i))
	}
	write(0)
	before := index.Mapped()
	w.mustStart()
	one := int64(w.s.Set().Bytes())
	if one < 300<<10 {
		t.Fatalf("the set has %d bytes", one)
	}
	most := int64(0)
	for i := range reloads {
		write(i + 1)
		w.step()
		if got := w.blocked(fmt.Sprintf("r%d.example", i+1)); len(got) != 1 {
			t.Fatalf("the load %d is not in force", i+1)
		}
		w.s.next()
		most = max(most, index.Mapped()-before)
	}
	if most > 64<<20 {
		t.Errorf("%d bytes were outside of the heap for a set of %d bytes", most, one)
	}
	for deadline := time.Now().Add(30 * time.Second); index.Mapped()-before > 2*one; time.Sleep(time.Millisecond) {
		if runtime.GC(); time.Now().After(deadline) {
			t.Fatalf("%d bytes are outside of the heap after %d loads of a set of %d bytes", index.Mapped()-before, reloads, one)
		}
	}
}
