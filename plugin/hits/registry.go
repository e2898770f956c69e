package hits

import "sync"

var registry = struct {
	sync.Mutex
	counters map[string]*shared
}{counters: map[string]*shared{}}

type shared struct {
	*Counter
	refs int
}

// Acquire returns the Counter of a server block. It creates a Counter if there is none. Call
// Release once for each call of Acquire.
func Acquire(block string) *Counter {
	registry.Lock()
	defer registry.Unlock()
	x := registry.counters[block]
	if x == nil {
		x = &shared{Counter: New()}
		registry.counters[block] = x
	}
	x.refs++
	return x.Counter
}

// Release undoes one call of Acquire. The last Release deletes the Counter and its counts.
func Release(block string) {
	registry.Lock()
	defer registry.Unlock()
	x := registry.counters[block]
	if x.refs--; x.refs == 0 {
		delete(registry.counters, block)
	}
}
