package source

import (
	"sync"
	"sync/atomic"
	"time"
)

// rest is the state of the loop for Idle.
type rest struct {
	kicks atomic.Uint64 // calls of kick

	mu    sync.Mutex
	seen  uint64    // the kicks before the last turn
	until time.Time // the end of the pause; zero while the loop works or waits for work
}

// turn begins a turn of the loop. The turn sees every change that was made before a kick.
func (r *rest) turn() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen, r.until = r.kicks.Load(), time.Time{}
}

// pause begins a pause of the loop. work reports whether the loop waits for work in progress.
func (r *rest) pause(until time.Time, work bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !work {
		r.until = until
	}
}

// Idle reports whether the Source has nothing to do before its clock moves, a file changes, or a
// caller calls a method. Tests with a clock of their own use Idle: a Source has noticed all
// changes, and reported all that are due, when Run runs and Idle returns true.
func (s *Source) Idle() bool {
	s.mu.Lock()
	unread := s.watch != nil && s.watch.pending()
	s.mu.Unlock()
	if unread {
		s.kick() // pending has read the events, so the kernel does not report them again
		return false
	}
	s.rest.mu.Lock()
	defer s.rest.mu.Unlock()
	return s.rest.seen == s.rest.kicks.Load() && s.clock.Now().Before(s.rest.until)
}
