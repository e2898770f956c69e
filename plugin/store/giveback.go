package store

import (
	"runtime/debug"
	"runtime/metrics"
)

const (
	// bigLoad is the smallest number of targets for which giveBack returns memory.
	bigLoad = 100_000
	// garbage is a low estimate of the bytes of garbage per loaded target.
	garbage = 20
)

// giveBack returns the memory of a load to the operating system. The caller must drop the old set
// first.
//
// Collecting a large heap can stop a server with one CPU. giveBack therefore does nothing if the
// garbage is small.
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
