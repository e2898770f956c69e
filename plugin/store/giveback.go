package store

import (
	"runtime/debug"
	"runtime/metrics"
)

const (
	// bigLoad is the smallest number of targets for which giveBack returns memory.
	bigLoad = 100_000
	// garbage is the least number of garbage bytes for each loaded target. The value is
	// for side lists. Order files leave more garbage.
	garbage = 20
)

// giveBack returns the memory of a load to the operating system. targets is the number of
// targets that were parsed or replaced. The caller must drop the old set first.
//
// The garbage collector alone can keep the memory for ever. If the heap is large and the
// garbage small, giveBack does nothing. Its work would stop a server with one CPU for too
// long.
func giveBack(targets int) {
	if targets >= bigLoad && uint64(targets)*garbage > liveHeap()/8 {
		debug.FreeOSMemory()
	}
}

// liveHeap returns the heap bytes in use at the last garbage collection.
func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
