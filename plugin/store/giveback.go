package store

import (
	"runtime/debug"
	"runtime/metrics"
)

const (
	// bigLoad is the smallest load after which giveBack returns memory. It is a number of
	// targets (names and addresses of orders).
	bigLoad = 100_000
	// garbage is the least number of bytes of garbage that a load leaves for each target. It
	// is the value for side lists. Targets of order files leave more.
	garbage = 20
)

// giveBack returns the memory of a load to the operating system. targets is the number of
// targets that were parsed or replaced. The caller must no longer use the old set of orders.
// Without giveBack, the garbage collector would keep the memory for minutes or for ever.
//
// giveBack does nothing if the garbage is small compared with the heap, for example beside a
// large cache. A return of all free memory would then stop a server with one CPU for too long.
func giveBack(targets int) {
	if targets >= bigLoad && uint64(targets)*garbage > liveHeap()/8 {
		debug.FreeOSMemory()
	}
}

// liveHeap returns the number of heap bytes that were in use at the last garbage collection.
func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
