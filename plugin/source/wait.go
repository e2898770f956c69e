package source

import "time"

// A call of the file system on a dead mount may never return. Each call therefore runs in
// a goroutine. After a time limit, the Source abandons the goroutine.
const (
	tick = 50 * time.Millisecond
	// The constant "slow" is the longest time for which a read delays the other files. The first
	// tick does not count.
	slow = 150 * time.Millisecond
	// readTimeout is the maximum time of a read. The file is then reported as Pending.
	readTimeout = 5 * time.Second
	// statTimeout is the maximum time of a call other than a read. The scan then goes on
	// without the path.
	statTimeout = 2 * time.Second
)

func realTicks() (<-chan time.Time, func()) {
	t := time.NewTicker(tick)
	return t.C, t.Stop
}

// returns waits until the channel over is closed, and then returns true. It returns false after
// Close, or after the duration limit. If progress is not nil, each change of its result begins the
// limit again.
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
