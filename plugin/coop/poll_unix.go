//go:build unix

package coop

import (
	"os"
	"sync"
	"syscall"
	"time"
)

type poller struct {
	sync.Mutex
	r, w *os.File
	conn syscall.RawConn // the raw connection of r
	sent bool
	buf  [8]byte
}

func newPoller() *poller {
	r, w, err := os.Pipe()
	if err != nil {
		return nil
	}
	p := &poller{r: r, w: w}
	// A deadline fails if the network poller does not watch the pipe. A read would then block a
	// thread.
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

// The caller must hold the lock of the poller.
func (p *poller) wait() {
	p.sent = false
	_ = p.conn.Read(p.step) // an error means that another goroutine has closed the pipe and turned yielding off
}

// RawConn.Read calls this function at the start, and again when the pipe is readable.
func (p *poller) step(fd uintptr) bool {
	if !p.sent {
		p.sent = true
		_, err := p.w.Write(p.buf[:1])
		return err != nil
	}
	_, _ = syscall.Read(int(fd), p.buf[:])
	return true
}
