package source

import "time"

// Clock is the time. Tests replace it, so that no test has to sleep.
type Clock interface {
	Now() time.Time
	// After returns a channel that receives after d, and a function that frees the timer.
	After(d time.Duration) (<-chan time.Time, func())
}

// WallClock is the real time.
var WallClock Clock = wallClock{}

type wallClock struct{}

func (wallClock) Now() time.Time { return time.Now() }

func (wallClock) After(d time.Duration) (<-chan time.Time, func()) {
	t := time.NewTimer(d)
	return t.C, func() { t.Stop() }
}
