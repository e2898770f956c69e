package source

import (
	"sync"
	"sync/atomic"
	"time"
)

// The type "rest" records whether the loop works or pauses. The method Idle reads the record.
type rest struct {
	kicks atomic.Uint64 // the number of calls of kick

	mu    sync.Mutex
	seen  uint64    // the value of kicks at the start of the last turn
	until time.Time // the end of the pause; zero while the loop works or waits for work
}

// turn records that a new turn of the loop begins. This turn notices all changes that were made
// before the last call of kick.
func (r *rest) turn() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen, r.until = r.kicks.Load(), time.Time{}
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
	return s.rest.seen == s.rest.kicks.Load() && s.clock.Now().Before(s.rest.until)
}
