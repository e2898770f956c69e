package store

import (
	"runtime/debug"
	"runtime/metrics"
)

const (
	// bigLoad is the number of targets, read or replaced, from which what a load
	// leaves behind is given back to the system at once.
	bigLoad = 100_000
	// garbage is how much that is for each, in octets.
	garbage = 100
)

// giveBack hands the garbage of big loads, and the sets they replaced, back to the
// system. The collector alone would keep it for minutes, or for good: what it
// keeps is in proportion to what it last had to do. It is called when what was
// loaded is in force and told.
//
// Beside a big heap, such as a large cache's, the garbage is less than the collector
// keeps in any case, and giving all of that back stops a server of one CPU for long.
func (s *Store) giveBack() {
	if s.parsed >= bigLoad && uint64(s.parsed)*garbage > liveHeap()/2 {
		debug.FreeOSMemory()
	}
	s.parsed = 0
}

// liveHeap returns the octets that the collector last found to be in use.
func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
