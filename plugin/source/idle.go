package source

import (
	"sync"
	"time"
)

type rest struct {
	mu     sync.Mutex
	kicked bool      // kick was called since the start of the last turn
	until  time.Time // the end of the pause; zero while the loop works or waits for work
}

// kick wakes the loop of the Source.
func (s *Source) kick() {
	s.rest.mu.Lock()
	defer s.rest.mu.Unlock()
	s.rest.kicked = true
	select {
	case s.wake <- struct{}{}:
	default: // the channel is full, so the loop will wake anyway
	}
}

func (s *Source) begin() {
	s.rest.mu.Lock()
	defer s.rest.mu.Unlock()
	select {
	case <-s.wake:
	default:
	}
	s.rest.kicked, s.rest.until = false, time.Time{}
}

func (r *rest) pause(until time.Time, work bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !work {
		r.until = until
	}
}

// Idle reports whether the Source has nothing to do until a later time. Only tests need Idle.
func (s *Source) Idle() bool {
	s.mu.Lock()
	unread := s.watch != nil && s.watch.pending()
	s.mu.Unlock()
	if unread {
		s.kick() // pending has read the events, so the kernel does not wake the loop again
		return false
	}
	s.rest.mu.Lock()
	defer s.rest.mu.Unlock()
	return !s.rest.kicked && s.clock.Now().Before(s.rest.until)
}
