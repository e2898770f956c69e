//go:build unix

package coop

import (
	"os"
	"sync"
	"syscall"
	"time"
)

// A poller is a pipe from the process to itself. The Go runtime's network poller watches
// the pipe.
type poller struct {
	sync.Mutex
	r, w *os.File
	conn syscall.RawConn // the raw connection of r
	sent bool
	buf  [8]byte
}

// newPoller returns nil if it cannot make a pipe. Long work then never yields.
func newPoller() *poller {
	r, w, err := os.Pipe()
	if err != nil {
		return nil
	}
	p := &poller{r: r, w: w}
	// Deadlines work only if the network poller watches the pipe. Otherwise a read of the pipe
	// would block a thread.
	if p.conn, err = r.SyscallConn(); err != nil || r.SetReadDeadline(time.Time{}) != nil || w.SetWriteDeadline(time.Time{}) != nil {
		p.close()
		return nil
	}
	return p
}

func (p *poller) close() {
	if p == nil {
		return
	}
	p.Lock()
	defer p.Unlock()
	_, _ = p.r.Close(), p.w.Close()
}

// wait returns after the network has been polled. The caller must have locked p.
func (p *poller) wait() {
	p.sent = false
	_ = p.conn.Read(p.step) // an error means that another goroutine has closed the pipe and turned yielding off
}

// step is the function for RawConn.Read. Read calls step at the start, and again when the
// pipe is readable.
func (p *poller) step(fd uintptr) bool {
	if !p.sent {
		// The first call writes a byte into the pipe but does not read the byte, so that
		// RawConn.Read waits until the network poller reports the byte. The byte must not be
		// written before RawConn.Read, because RawConn.Read discards earlier reports.
		p.sent = true
		_, err := p.w.Write(p.buf[:1])
		return err != nil
	}
	_, _ = syscall.Read(int(fd), p.buf[:])
	return true
}
