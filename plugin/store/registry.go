package store

import "sync"

// registry has the Stores of this process by the keys of their options. Server blocks with equal
// options share a Store. The old and the new instance of a reload share a Store too, so that a
// reload with equal options parses no file, and the memory contains the set only once.
//
// The lock is not held while a Store opens or closes. Both may take seconds, and /metrics and
// /ready need the lock.
var registry = struct {
	sync.Mutex
	stores map[string]*shared
}{stores: map[string]*shared{}}

// A shared is a Store of the registry.
type shared struct {
	refs   int           // the number of calls of Acquire without a Release
	store  *Store        // nil while the Store opens
	err    error         // the error of open; set before opened is closed
	opened chan struct{} // closed when open has returned
}

// Acquire returns the Store of the process for opt. If there is none, Acquire starts the Store.
// The caller must call Release once for each Acquire. If clock is nil, the Store uses the real
// time.
//
// A Store that starts takes over the versions that are in force in the other Stores of the
// process. A reload of the Corefile therefore keeps the orders of all files that the new
// Corefile still names.
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

// Release ends one use of a Store. The last Release closes the Store. Its set remains usable for
// queries in progress.
func Release(s *Store) {
	if drop(s) {
		s.Close()
	}
}

// drop ends one use of a Store, and reports whether nothing uses the Store any more.
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

// AllReady reports whether all Stores of the process are ready. CoreDNS asks only one instance
// of each plugin, so each instance answers for all Stores. A Store that opens is ignored if
// other Stores are open, because the other Stores answer the queries until the new Store is
// open.
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

// All returns the open Stores of the process.
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
