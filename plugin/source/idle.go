package source

import (
	"sync"
	"time"
)

// The type "rest" records whether the loop works or pauses. The method Idle reads the record.
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

// begin records that a new turn of the loop begins. The turn notices all changes that were made
// before earlier calls of kick. These calls must therefore not wake the loop again. If they did,
// Idle could return true just before the loop wakes.
func (s *Source) begin() {
	s.rest.mu.Lock()
	defer s.rest.mu.Unlock()
	select {
	case <-s.wake:
	default:
	}
	s.rest.kicked, s.rest.until = false, time.Time{}
}

// pause records that the loop pauses until the given time. If "work" is true, the loop waits for
// work in progress, so Idle still returns false.
func (r *rest) pause(until time.Time, work bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !work {
		r.until = until
	}
}

// Idle returns true if the Source has reported all changes and waits for its clock. Tests
// with a clock of their own call Idle.
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
