package probe

import (
	"syscall"
	"time"
)

// sleepUntil sleeps in the kernel: Go's own timers fire to the millisecond when
// nothing else is to be done, which is a tick.
func sleepUntil(t time.Time) {
	for d := time.Until(t); d > 0; d = time.Until(t) {
		ts := syscall.NsecToTimespec(int64(d))
		_ = syscall.Nanosleep(&ts, nil) // interrupted: the rest is slept
	}
}
