package probe

import (
	"syscall"
	"time"
)

// sleepUntil sleeps with a system call. It does not use Go's timers. In an idle Go program, a
// timer has a precision of only one millisecond, which is a whole tick.
func sleepUntil(t time.Time) {
	for d := time.Until(t); d > 0; d = time.Until(t) {
		ts := syscall.NsecToTimespec(int64(d))
		_ = syscall.Nanosleep(&ts, nil) // after an interruption, the loop sleeps again
	}
}
