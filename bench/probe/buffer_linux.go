package probe

import (
	"errors"
	"net"
	"syscall"
)

// The result is in bytes. Linux reports twice the size (socket(7)).
func readBuffer(c *net.UDPConn) (size int, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	var e error
	err = raw.Control(func(fd uintptr) { size, e = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF) })
	return size / 2, errors.Join(err, e)
}
