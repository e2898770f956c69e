package source

import (
	"sync"
	"time"
)

// A steadyClock never goes back. If the system clock is set back by a year, the next poll must not
// be late.
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

func (c *steadyClock) below(at time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return at.Add(-c.shift)
}
