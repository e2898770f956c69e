package store

import (
	"runtime/debug"
	"runtime/metrics"
)

const (
	// bigLoad is the smallest number of targets for which giveBack returns memory.
	bigLoad = 100_000
	// garbage is a low estimate of the bytes of garbage for each loaded target. The estimate is for
	// side lists. Order files leave more garbage.
	garbage = 20
)

// giveBack returns the memory of a load to the operating system. The garbage collector alone can
// keep the memory for ever. targets is the number of targets that were parsed or replaced. The
// caller must drop the old set first.
//
// If the garbage is small compared with the heap, giveBack does nothing. Collecting a large heap
// would stop a server with one CPU for too long.
func giveBack(targets int) {
	if targets >= bigLoad && uint64(targets)*garbage > liveHeap()/8 {
		debug.FreeOSMemory()
	}
}

func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
