package source

import "time"

// Calls of the file system run in goroutines of their own, since a call on a dead mount
// may never return. A call that takes too long is left behind. This is real time, as the
// Clock has nothing to do with a disk.
const (
	// tick is the unit in which calls are waited for.
	tick = 100 * time.Millisecond
	// slow is how long a read may take until other files stop waiting for it.
	slow = 200 * time.Millisecond
	// stall is how long a read may take until the file is reported as Pending.
	stall = 5 * time.Second
	// statStall is how long any other call may take until the look goes on without it.
	statStall = 2 * time.Second
)

// realTicks returns a channel that receives after each tick, and a function that ends it.
func realTicks() (<-chan time.Time, func()) {
	t := time.NewTicker(tick)
	return t.C, t.Stop
}

// returns waits until over is closed, and reports whether that happened before limit
// went by without progress and before Close. Ticks are counted, and no clock is read: a
// process that was stopped or starved for a while has not waited for that while.
func (s *Source) returns(over <-chan struct{}, limit time.Duration, progress func() int) bool {
	ticks, end := s.ticks()
	defer end()
	last := 0
	for idle := time.Duration(0); idle < limit; {
		select {
		case <-over:
			return true
		case <-s.stop:
			return false
		case <-ticks:
			idle += tick
		}
		if progress == nil {
			continue
		}
		if n := progress(); n != last {
			last, idle = n, 0
		}
	}
	return false
}

// ended reports whether the Source is closed.
func (s *Source) ended() bool {
	select {
	case <-s.stop:
		return true
	default:
		return false
	}
}
