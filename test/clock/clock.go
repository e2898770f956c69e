// Package clock has a clock for tests of programs with timers.
package clock

import (
	"sync"
	"time"
)

// A Clock moves only when the test moves it. Its methods are safe for concurrent use.
type Clock struct {
	mu     sync.Mutex
	now    time.Time
	alarms map[chan time.Time]time.Time
}

// New returns a Clock that shows the time now.
func New(now time.Time) *Clock {
	return &Clock{now: now, alarms: map[chan time.Time]time.Time{}}
}

// Now returns the time of the clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// After returns a channel and a function. The channel receives the time when the alarm is due. The
// function cancels the alarm.
func (c *Clock) After(d time.Duration) (<-chan time.Time, func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ch := make(chan time.Time, 1)
	c.alarms[ch] = c.now.Add(d)
	c.move(c.now)
	return ch, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.alarms, ch)
	}
}

// Set moves the clock forward or back, and fires the due alarms.
func (c *Clock) Set(to time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.move(to)
}

// Add moves the clock by a duration, and fires the due alarms.
func (c *Clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.move(c.now.Add(d))
}

func (c *Clock) move(to time.Time) {
	c.now = to
	for ch, at := range c.alarms {
		if !to.Before(at) {
			ch <- to
			delete(c.alarms, ch)
		}
	}
}

// A Jumping is a Clock that never waits. A new alarm moves the clock to the time of the alarm.
type Jumping struct{ *Clock }

// NewJumping returns a Jumping that shows the time now.
func NewJumping(now time.Time) Jumping { return Jumping{New(now)} }

// After moves the clock forward. The returned channel has the new time.
func (j Jumping) After(d time.Duration) (<-chan time.Time, func()) {
	j.Add(max(d, 0))
	return j.Clock.After(0)
}

// A Silent is a Clock whose alarms never fire.
type Silent struct{ *Clock }

// NewSilent returns a Silent that shows the time now.
func NewSilent(now time.Time) Silent { return Silent{New(now)} }

// After returns a channel that never receives a value.
func (Silent) After(time.Duration) (<-chan time.Time, func()) { return nil, func() {} }

// Next returns the time of the next alarm. The limit is the latest time that Next returns.
func (c *Clock) Next(limit time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, at := range c.alarms {
		if at.Before(limit) {
			limit = at
		}
	}
	return limit
}
