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
	// maxQueued bounds the lines that wait for standard output, in bytes.
	maxQueued = 4 << 20
	// outputPatience is how long a line, and the end of the process, wait for standard output.
	outputPatience = time.Second
)

// output is the destination of CoreDNS's log. Write returns when the line is written, as a
// write to standard output does. But Write waits at most for patience. While out is behind,
// Write only puts the line into the queue.
//
// Without this, a full pipe at standard output blocks each goroutine that logs. The goroutine
// that receives SIGTERM logs before it stops the server, so SIGTERM would not end the process.
type output struct {
	queue    *logqueue.Queue
	out      io.Writer
	patience time.Duration
}

func newOutput(out io.Writer, patience time.Duration) *output {
	return &output{logqueue.New(maxQueued, func(n int) { reportDropped(out, n) }), out, patience}
}

// Write writes a copy of p, because the log uses the memory of p again. An error of out is
// lost, because CoreDNS's log does not read it.
func (o *output) Write(p []byte) (int, error) {
	line := append([]byte(nil), p...)
	o.queue.Write(len(line), o.patience, func() { _, _ = o.out.Write(line) })
	return len(p), nil
}

// flush waits until all lines are written, but at most for patience.
func (o *output) flush() { o.queue.Flush(o.patience) }

// reportDropped writes a line about n dropped lines to out, in the format of CoreDNS's log. It
// does not use CoreDNS's log, because that log may be waiting for the caller.
func reportDropped(out io.Writer, n int) {
	text := fmt.Sprintf("%d log lines dropped here, because standard output did not take the lines in time", n)
	if clog.IsJSON() {
		slog.New(slog.NewJSONHandler(out, nil)).Warn(text)
		return
	}
	_, _ = fmt.Fprintln(out, "[WARNING]", text)
}

// queueOutput makes CoreDNS's log use an output, for the whole process. It runs as a loader
// of the Corefile, because coremain.Run sets the log to standard output first. The flags
// -version and -plugins end the process before.
//
// CoreDNS writes the list of its zones and its version without the log, at a start. That text
// can still block the start.
func queueOutput(out io.Writer) {
	caddy.RegisterCaddyfileLoader("output", caddy.LoaderFunc(func(string) (caddy.Input, error) {
		o := newOutput(out, outputPatience)
		clog.SetOutput(o)
		caddy.OnProcessExit = append(caddy.OnProcessExit, o.flush)
		return nil, nil // the next loader loads the Corefile
	}))
}
