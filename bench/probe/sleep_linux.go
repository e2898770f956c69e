package probe

import (
	"syscall"
	"time"
)

// sleepUntil sleeps with a system call, because this is more precise. In an idle Go program, a Go
// timer can be late by a whole tick.
func sleepUntil(t time.Time) {
	for d := time.Until(t); d > 0; d = time.Until(t) {
		ts := syscall.NsecToTimespec(int64(d))
		_ = syscall.Nanosleep(&ts, nil) // after an interruption, the loop sleeps again
	}
}
