package coredns

import (
	"bytes"
	stdlog "log"
	"sync"
	"testing"
)

// A Log contains the log of the process.
type Log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// CaptureLog captures the log until the test ends. The captured lines have no time.
func CaptureLog(t testing.TB) *Log {
	l := &Log{}
	out, flags := stdlog.Writer(), stdlog.Flags()
	stdlog.SetOutput(l)
	stdlog.SetFlags(0)
	t.Cleanup(func() {
		stdlog.SetOutput(out)
		stdlog.SetFlags(flags)
	})
	return l
}

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// Take returns the text that was logged since the last call.
func (l *Log) Take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.buf.Reset()
	return l.buf.String()
}
