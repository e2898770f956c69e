//go:build unix

package pace

import (
	"os"
	"sync"
	"syscall"
	"time"
)

// poller is a pipe to oneself, which the network poller watches.
type poller struct {
	sync.Mutex
	r, w *os.File
	conn syscall.RawConn // of r
	sent bool
	buf  [8]byte
}

// newPoller returns nil when there is no pipe to be had: then nothing is paced.
func newPoller() *poller {
	r, w, err := os.Pipe()
	if err != nil {
		return nil
	}
	p := &poller{r: r, w: w}
	// An end that the poller does not watch has no deadlines either, and would block.
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

// wait returns when the network has been looked at. The caller holds the lock.
func (p *poller) wait() {
	p.sent = false
	_ = p.conn.Read(p.step) // closed: nobody is to be given way to any more
}

// step is what RawConn.Read calls: once to try, and again when the pipe has been
// found readable. The octet is written in the first call, when what was known of the
// pipe has been forgotten already; and it must not be read in that call, for then
// nobody would have to wait.
func (p *poller) step(fd uintptr) bool {
	if !p.sent {
		p.sent = true
		_, err := p.w.Write(p.buf[:1])
		return err != nil
	}
	_, _ = syscall.Read(int(fd), p.buf[:])
	return true
}
