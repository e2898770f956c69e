package store

import "sync"

// subscribers are the channels of Subscribe.
type subscribers struct {
	mu  sync.Mutex
	all map[chan struct{}]bool
}

// Subscribe returns a channel that receives a value after changes of the set. The caller must call
// the second result at the end. Orders that start or end by their dates do not change the set.
func (s *Store) Subscribe() (changes <-chan struct{}, cancel func()) {
	c := make(chan struct{}, 1)
	s.subscribers.mu.Lock()
	defer s.subscribers.mu.Unlock()
	if s.subscribers.all == nil {
		s.subscribers.all = map[chan struct{}]bool{}
	}
	s.subscribers.all[c] = true
	return c, func() {
		s.subscribers.mu.Lock()
		defer s.subscribers.mu.Unlock()
		delete(s.subscribers.all, c)
	}
}

func (x *subscribers) notify() {
	x.mu.Lock()
	defer x.mu.Unlock()
	for c := range x.all {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}
