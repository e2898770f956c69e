package hits

import "sync"

// registry has the Counters of the process by server block. After a reload, the new
// configuration uses the same Counter, so that the counts survive.
var registry = struct {
	sync.Mutex
	counters map[string]*shared
}{counters: map[string]*shared{}}

// A shared is a Counter with a count of its users.
type shared struct {
	*Counter
	refs int
}

// Acquire returns the Counter of a server block, and makes a missing Counter. Each call
// needs one call of Release.
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

// Release ends one use of the Counter of a server block. The last Release forgets the counts.
func Release(block string) {
	registry.Lock()
	defer registry.Unlock()
	x := registry.counters[block]
	if x.refs--; x.refs == 0 {
		delete(registry.counters, block)
	}
}
