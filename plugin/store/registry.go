package store

import "sync"

// Do not hold the lock while a Store opens or closes. The paths /metrics and /ready need the lock.
var registry = struct {
	sync.Mutex
	stores map[string]*shared
}{stores: map[string]*shared{}}

type shared struct {
	refs   int           // the number of calls of Acquire minus the number of calls of Release
	store  *Store        // nil while open runs
	err    error         // the error of open; it is set before opened is closed
	opened chan struct{} // closed when open has returned
}

// Acquire returns the Store with the given options, and starts it at the first call. Each
// successful call needs one call of Release. A new Store takes over the orders of other Stores, so
// a reload ends no configured order.
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

// Release undoes one call of Acquire. The last Release closes the Store. Queries can still use the
// set of a closed Store.
func Release(s *Store) {
	if drop(s) {
		s.Close()
	}
}

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

// AllReady reports whether all open Stores are ready. While all Stores are still opening, it
// returns false. CoreDNS asks only one instance of each plugin, so the result covers all Stores.
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
