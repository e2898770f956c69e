package scenarios

import (
	"os"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// eventsPending reports whether the kernel has file events that the process has not read. The
// kernel queues an event before the system call that causes the event returns.
func eventsPending(t *testing.T) bool {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if to, _ := os.Readlink("/proc/self/fd/" + fd.Name()); to != "anon_inode:inotify" {
			continue
		}
		n, err := strconv.Atoi(fd.Name())
		if err != nil {
			t.Fatal(err)
		}
		ready, err := unix.Poll([]unix.PollFd{{Fd: int32(n), Events: unix.POLLIN}}, 0)
		if ready > 0 || err != nil {
			return true
		}
	}
	return false
}
