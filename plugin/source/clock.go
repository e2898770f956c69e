package source

import "time"

// Clock is the source of time. Tests use other Clocks, so that no test has to sleep.
type Clock interface {
	Now() time.Time
	// After returns a channel that receives a value after the duration d. The second
	// result is a function that frees the timer.
	After(d time.Duration) (<-chan time.Time, func())
}

// WallClock is the default Clock of a Source: the real time. A test may replace WallClock
// while no Source is open.
var WallClock Clock = wallClock{}

type wallClock struct{}

func (wallClock) Now() time.Time { return time.Now() }

func (wallClock) After(d time.Duration) (<-chan time.Time, func()) {
	t := time.NewTimer(d)
	return t.C, func() { t.Stop() }
}
