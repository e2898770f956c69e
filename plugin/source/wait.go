package source

import "time"

// A call of the file system on a dead mount may never return. Each call runs in a goroutine that
// the Source can abandon.
const (
	tick        = 50 * time.Millisecond
	slow        = 150 * time.Millisecond
	readTimeout = 5 * time.Second
	statTimeout = 2 * time.Second
)

func realTicks() (<-chan time.Time, func()) {
	t := time.NewTicker(tick)
	return t.C, t.Stop
}

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
