package store

import (
	"runtime/debug"
	"runtime/metrics"
)

const (
	// bigLoad is the number of targets, parsed or replaced, from which the memory of a load is
	// given back at once.
	bigLoad = 100_000
	// garbage is the least number of bytes of garbage for each target. A target of a side list
	// leaves the least garbage: its share of the old set.
	garbage = 20
)

// giveBack returns the garbage of a load to the operating system. targets is the number of
// targets that the load parsed or replaced. The garbage collector alone would keep this memory for minutes or for ever, because it keeps
// memory in proportion to the largest heap. giveBack is called when nothing uses the old set
// any more.
//
// giveBack does nothing if the garbage is small compared with the heap, for example beside a
// large cache. In that case the collector keeps more memory than the garbage anyway, and a
// server with one CPU would stop for a long time to return all of this memory.
func giveBack(targets int) {
	if targets >= bigLoad && uint64(targets)*garbage > liveHeap()/8 {
		debug.FreeOSMemory()
	}
}

// liveHeap returns the number of bytes that the last garbage collection found in use.
func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
