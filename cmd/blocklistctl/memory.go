package main

import (
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// A memoryLimit keeps the memory of a command small.
type memoryLimit struct{ limit int64 }

const leastMemory = 400 << 20

// limitMemory sets the limit, unless the environment variable GOMEMLIMIT has set it.
func limitMemory() {
	if debug.SetMemoryLimit(-1) != math.MaxInt64 {
		return
	}
	debug.SetMemoryLimit(leastMemory)
	(&memoryLimit{leastMemory}).adapt()
}

func (m *memoryLimit) adapt() {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	if metrics.Read(live); live[0].Value.Kind() != metrics.KindUint64 {
		return
	}
	if need := int64(live[0].Value.Uint64()) / 8 * 9; need > m.limit {
		m.limit = need
		debug.SetMemoryLimit(need)
	}
	runtime.SetFinalizer(m, (*memoryLimit).adapt)
}
