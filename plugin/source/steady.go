package source

import (
	"sync"
	"time"
)

// A steadyClock is a Clock that never goes back. A clock that is set back by a year must not delay
// the next poll.
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

func (c *steadyClock) steady(at time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return at.Add(c.shift)
}

// below converts a steady time to a time of the embedded Clock, which can be compared with the
// times of files.
func (c *steadyClock) below(at time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return at.Add(-c.shift)
}
