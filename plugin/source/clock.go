package source

import "time"

// Clock is the time, passed in so that no test has to sleep.
type Clock interface {
	Now() time.Time
	// After gives a channel that receives once d has passed, and a function
	// that releases what stands behind it.
	After(d time.Duration) (<-chan time.Time, func())
}

// wallClock is the real time.
type wallClock struct{}

func (wallClock) Now() time.Time { return time.Now() }

func (wallClock) After(d time.Duration) (<-chan time.Time, func()) {
	t := time.NewTimer(d)
	return t.C, func() { t.Stop() }
}

// WallClock is the clock of a Store that is given none. It is the real time; a test may
// replace it while no Store is open.
var WallClock Clock = wallClock{}
