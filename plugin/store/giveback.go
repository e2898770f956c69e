package store

import (
	"runtime/debug"
	"runtime/metrics"
)

const (
	// bigLoad is the number of targets, read or replaced, from which what a load
	// leaves behind is given back to the system at once.
	bigLoad = 100_000
	// garbage is how much that is for each at least, in octets: of a side list, what
	// the set before it held.
	garbage = 20
)

// giveBack hands the garbage of a load of so many targets, and the sets that it
// replaced, back to the system. The collector alone would keep it for minutes, or for
// good: what it keeps is in proportion to what it last had to do. It is called when
// what was loaded is in force and told, and nothing holds the set before it.
//
// Beside a big heap, such as a large cache's, the garbage is less than the collector
// keeps in any case, and giving all of that back stops a server of one CPU for long.
func giveBack(targets int) {
	if targets >= bigLoad && uint64(targets)*garbage > liveHeap()/8 {
		debug.FreeOSMemory()
	}
}

// liveHeap returns the octets that the collector last found to be in use.
func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
