package source

import "time"

// Clock is the source of time. Tests use a clock of their own.
type Clock interface {
	Now() time.Time
	// After returns a channel and a function. The channel receives a value after the duration. The
	// function frees the timer.
	After(d time.Duration) (<-chan time.Time, func())
}

// WallClock is the default Clock. Tests may replace WallClock while no Source is open.
var WallClock Clock = wallClock{}

type wallClock struct{}

func (wallClock) Now() time.Time { return time.Now() }

func (wallClock) After(d time.Duration) (<-chan time.Time, func()) {
	t := time.NewTimer(d)
	return t.C, func() { t.Stop() }
}
