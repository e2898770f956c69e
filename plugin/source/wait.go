package source

import "time"

// A call of the file system on a dead mount may never return. Calls therefore run in goroutines of
// their own, which are abandoned when a call takes too long. The times below are real times,
// because a disk does not follow the Clock.
const (
	// tick is the unit in which waiting is measured.
	tick = 50 * time.Millisecond
	// slow is how long a read may take until other files no longer wait for the read. The tick
	// in which the read begins does not count.
	slow = 150 * time.Millisecond
	// readTimeout is how long a read may take until the file is reported as Pending.
	readTimeout = 5 * time.Second
	// statTimeout is how long any other call may take until the look goes on without it.
	statTimeout = 2 * time.Second
)

// realTicks returns a channel that receives after each tick, and a function that ends it.
func realTicks() (<-chan time.Time, func()) {
	t := time.NewTicker(tick)
	return t.C, t.Stop
}

// returns waits until over is closed. It returns false if limit passes without progress, or if the
// Source is closed. It counts ticks and reads no clock: the time for which the process was stopped
// or starved does not count.
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
