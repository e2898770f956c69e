package probe

import (
	"syscall"
	"time"
)

// The function uses a system call. A Go timer can be a whole tick late in an idle program.
func sleepUntil(t time.Time) {
	for d := time.Until(t); d > 0; d = time.Until(t) {
		ts := syscall.NsecToTimespec(int64(d))
		_ = syscall.Nanosleep(&ts, nil) // after an interruption, the loop sleeps again
	}
}
