package store

import (
	"runtime/debug"
	"runtime/metrics"
)

const (
	// bigLoad is the smallest number of targets (names and addresses of orders) in a load that
	// makes giveBack return memory.
	bigLoad = 100_000
	// garbage is the smallest number of bytes of garbage that a load leaves for each target
	// (name or address). This number is for targets of side lists, because other targets leave
	// more garbage.
	garbage = 20
)

// giveBack returns the memory of a load to the operating system. targets is the number of
// targets (names and addresses) that the load parsed or replaced. Without giveBack, the
// garbage collector keeps the memory for minutes or for ever, because it keeps memory in
// proportion to the largest heap. The caller calls giveBack when the old set of orders is no
// longer used.
//
// giveBack does nothing if the garbage of the load is small compared with the heap, for
// example in a server with a large cache. The collector then keeps more memory than the
// garbage in any case, and a return of all free memory would stop a server with one CPU for a
// long time.
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
