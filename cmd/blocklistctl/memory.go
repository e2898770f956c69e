package main

import (
	"math"
	"runtime/debug"
	"runtime/metrics"
)

// A memoryLimit keeps the memory of a command small.
type memoryLimit struct{ limit int64 } // 0 means that the environment variable GOMEMLIMIT has set a limit

const leastMemory = 380 << 20

// limitMemory sets the limit, unless GOMEMLIMIT has set it.
func limitMemory() *memoryLimit {
	if debug.SetMemoryLimit(-1) != math.MaxInt64 {
		return &memoryLimit{}
	}
	debug.SetMemoryLimit(leastMemory)
	return &memoryLimit{leastMemory}
}

// If the limit is too low, the garbage collector runs all the time. The function raises such a
// limit.
func (m *memoryLimit) adapt() {
	if m.limit == 0 {
		return
	}
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	if metrics.Read(live); live[0].Value.Kind() != metrics.KindUint64 {
		return
	}
	if need := int64(live[0].Value.Uint64()) / 4 * 5; need > m.limit {
		m.limit = need
		debug.SetMemoryLimit(need)
	}
}
