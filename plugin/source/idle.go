package source

import (
	"sync"
	"sync/atomic"
	"time"
)

// rest records whether the loop of the Source works or pauses. Idle reads the record.
type rest struct {
	kicks atomic.Uint64 // the number of calls of kick

	mu    sync.Mutex
	seen  uint64    // the value of kicks when the last turn began
	until time.Time // the end of the pause; zero while the loop works, or waits for a look or a worker
}

// turn records that a new turn of the loop begins. A turn notices every change that came
// before the last call of kick.
func (r *rest) turn() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen, r.until = r.kicks.Load(), time.Time{}
}

// pause records that the loop pauses until the given time. If work is true, the loop waits for
// a look (a scan of the paths) or a worker, and the record says that the loop works.
func (r *rest) pause(until time.Time, work bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !work {
		r.until = until
	}
}

// Idle returns true if the Source has nothing to do until its clock moves, a file changes, or
// a caller calls a method. Tests with a clock of their own use Idle. When Run is running and
// Idle returns true, the Source has noticed all changes and has reported all changes that are
// due.
func (s *Source) Idle() bool {
	s.mu.Lock()
	unread := s.watch != nil && s.watch.pending()
	s.mu.Unlock()
	if unread {
		s.kick() // the kernel will not wake the loop again, because pending has read the events
		return false
	}
	s.rest.mu.Lock()
	defer s.rest.mu.Unlock()
	return s.rest.seen == s.rest.kicks.Load() && s.clock.Now().Before(s.rest.until)
}
