package probe

import (
	"errors"
	"net"
	"syscall"
)

// readBuffer returns the size in bytes of the receive buffer that the kernel has granted. The
// kernel limits the size to net.core.rmem_max. The kernel reports twice the size (socket(7)), so
// readBuffer divides the number by two.
func readBuffer(c *net.UDPConn) (size int, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	var e error
	err = raw.Control(func(fd uintptr) { size, e = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF) })
	return size / 2, errors.Join(err, e)
}
