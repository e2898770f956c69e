package source

import (
	"sync"
	"time"
)

// A steadyClock is a Clock that never goes back. If the embedded Clock is set back, the steadyClock
// continues from its last time. Otherwise, a clock that is set back by a year would delay the next
// poll by a year.
type steadyClock struct {
	Clock
	mu    sync.Mutex
	last  time.Time
	shift time.Duration // the difference to the clock below; at least 0
}

// Now returns the steady time.
func (c *steadyClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.Clock.Now().Add(c.shift)
	if back := c.last.Sub(now); back > 0 {
		c.shift += back
		now = c.last
	}
	c.last = now
	return now
}

// steady converts a time of the embedded Clock to a time of the steadyClock.
func (c *steadyClock) steady(at time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return at.Add(c.shift)
}

// below converts a time of the steadyClock to a time of the embedded Clock. The times of files are
// times of the embedded Clock.
func (c *steadyClock) below(at time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return at.Add(-c.shift)
}
