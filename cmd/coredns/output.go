package main

import (
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/coredns/caddy"
	clog "github.com/coredns/coredns/plugin/pkg/log"

	"github.com/dns-orders/blocklist/plugin/logqueue"
)

const (
	// maxQueued limits the log lines that wait for standard output, in bytes.
	maxQueued = 4 << 20
	// outputPatience is the longest wait of a log call for standard output. The end of the
	// process waits for at most this time too.
	outputPatience = time.Second
)

// An output is the destination of CoreDNS's log. Write waits for the line to be written,
// at most for patience. Behind waiting lines, Write only queues the line.
//
// Without this type, a full pipe would block each goroutine that logs. SIGTERM would not
// end the process, because CoreDNS logs the signal first.
type output struct {
	queue    *logqueue.Queue
	out      io.Writer
	patience time.Duration
}

func newOutput(out io.Writer, patience time.Duration) *output {
	return &output{logqueue.New(maxQueued, func(n int) { reportDropped(out, n) }), out, patience}
}

// Write writes a copy of p, because the log reuses p. It ignores an error of out, as
// CoreDNS's log does.
func (o *output) Write(p []byte) (int, error) {
	line := append([]byte(nil), p...)
	o.queue.Write(len(line), o.patience, func() { _, _ = o.out.Write(line) })
	return len(p), nil
}

// flush waits until all lines are written, but at most for patience.
func (o *output) flush() { o.queue.Flush(o.patience) }

// reportDropped writes to out that n log lines were dropped. It does not call CoreDNS's
// log, which may wait for the caller of reportDropped.
func reportDropped(out io.Writer, n int) {
	text := fmt.Sprintf("%d log lines dropped here, because standard output did not take the lines in time", n)
	if clog.IsJSON() {
		slog.New(slog.NewJSONHandler(out, nil)).Warn(text)
		return
	}
	_, _ = fmt.Fprintln(out, "[WARNING]", text)
}

// queueOutput makes CoreDNS's log write to an output. It registers a loader of the
// Corefile, because coremain.Run first sets the log to standard output.
//
// CoreDNS writes its zones and its version directly to standard output. A full pipe can
// still block a start here.
func queueOutput(out io.Writer) {
	caddy.RegisterCaddyfileLoader("output", caddy.LoaderFunc(func(string) (caddy.Input, error) {
		o := newOutput(out, outputPatience)
		clog.SetOutput(o)
		caddy.OnProcessExit = append(caddy.OnProcessExit, o.flush)
		return nil, nil // the next loader loads the Corefile
	}))
}
