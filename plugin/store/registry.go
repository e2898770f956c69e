package store

import "sync"

// registry are the stores of this process. Server blocks, and the old and the
// new instance of a Corefile reload, share a Store by their options, so that a
// reload re-parses nothing and memory holds one set.
//
// The lock is never held while a Store opens or closes: both may take seconds, and
// /metrics and /ready need the lock.
var registry = struct {
	sync.Mutex
	stores map[string]*shared
}{stores: map[string]*shared{}}

// shared is a Store of the registry.
type shared struct {
	refs   int           // of Acquire calls without a Release
	store  *Store        // nil while the Store opens
	err    error         // why the Store could not be opened; set before opened is closed
	opened chan struct{} // closed when Open has ended
}

// Acquire returns the process's Store for opt, starting it when it is the first
// to ask. Every Acquire wants one Release. A nil clock is the real one.
//
// A Store that starts takes over, path by path, what is in force in the other Stores of
// the process: a Corefile reload drops nothing that the new Corefile still names.
func Acquire(opt Options, log Log, clock Clock) (*Store, error) {
	key := opt.key()
	registry.Lock()
	x, ok := registry.stores[key]
	if ok {
		x.refs++
		registry.Unlock()
		<-x.opened
		return x.store, x.err
	}
	x = &shared{refs: 1, opened: make(chan struct{})}
	registry.stores[key] = x
	registry.Unlock()

	s, err := open(opt, log, clock, All())

	registry.Lock()
	defer registry.Unlock()
	if err != nil {
		delete(registry.stores, key)
	}
	x.store, x.err = s, err
	close(x.opened)
	return s, err
}

// Release gives a Store back; the last one stops it. Its set stays usable for
// queries that are under way.
func Release(s *Store) {
	if drop(s) {
		s.Close()
	}
}

// drop gives a Store back, and reports whether nothing uses the Store any more.
func drop(s *Store) bool {
	key := s.opt.key()
	registry.Lock()
	defer registry.Unlock()
	x := registry.stores[key]
	x.refs--
	if x.refs > 0 {
		return false
	}
	delete(registry.stores, key)
	return true
}

// AllReady reports whether all stores of the process are ready. CoreDNS asks
// one plugin instance of each name only, so each answers for all. A Store that opens
// beside others does not count yet: the others serve meanwhile.
func AllReady() bool {
	registry.Lock()
	defer registry.Unlock()
	opening, open := 0, 0
	for _, x := range registry.stores {
		if x.store == nil {
			opening++
			continue
		}
		open++
		if !x.store.Ready() {
			return false
		}
	}
	return opening == 0 || open > 0
}

// All returns the stores of the process that are open, for metrics.
func All() []*Store {
	registry.Lock()
	defer registry.Unlock()
	out := make([]*Store, 0, len(registry.stores))
	for _, x := range registry.stores {
		if x.store != nil {
			out = append(out, x.store)
		}
	}
	return out
}
