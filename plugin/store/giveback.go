package store

import (
	"runtime/debug"
	"runtime/metrics"
)

const (
	bigLoad = 100_000
	garbage = 20
)

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
