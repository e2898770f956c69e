package store

import "sync"

// registry are the stores of this process. Server blocks, and the old and the
// new instance of a Corefile reload, share a Store by their options, so that a
// reload re-parses nothing and memory holds one set.
var registry = struct {
	sync.Mutex
	stores map[string]*Store
}{stores: map[string]*Store{}}

// Acquire returns the process's Store for opt, starting it when it is the first
// to ask. Every Acquire wants one Release. A nil clock is the real one.
func Acquire(opt Options, log Log, clock Clock) (*Store, error) {
	registry.Lock()
	defer registry.Unlock()
	key := opt.key()
	s, ok := registry.stores[key]
	if !ok {
		var err error
		if s, err = Open(opt, log, clock); err != nil {
			return nil, err
		}
		registry.stores[key] = s
	}
	s.refs++
	return s, nil
}

// Release gives a Store back; the last one stops it. Its set stays usable for
// queries that are under way.
func Release(s *Store) {
	registry.Lock()
	defer registry.Unlock()
	if s.refs--; s.refs == 0 {
		delete(registry.stores, s.opt.key())
		s.Close()
	}
}

// AllReady reports whether all stores of the process are ready. CoreDNS asks
// one plugin instance of each name only, so each answers for all.
func AllReady() bool {
	registry.Lock()
	defer registry.Unlock()
	for _, s := range registry.stores {
		if !s.Ready() {
			return false
		}
	}
	return true
}

// All returns the stores of the process, for metrics.
func All() []*Store {
	registry.Lock()
	defer registry.Unlock()
	out := make([]*Store, 0, len(registry.stores))
	for _, s := range registry.stores {
		out = append(out, s)
	}
	return out
}
