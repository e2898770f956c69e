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
	maxQueued      = 4 << 20
	outputPatience = time.Second
)

type output struct {
	queue    *logqueue.Queue
	out      io.Writer
	patience time.Duration
}

func newOutput(out io.Writer, patience time.Duration) *output {
	return &output{logqueue.New(maxQueued, func(n int) { reportDropped(out, n) }), out, patience}
}

// Write queues a copy of p, because the log package reuses the memory.
func (o *output) Write(p []byte) (int, error) {
	line := append([]byte(nil), p...)
	o.queue.Write(len(line), o.patience, func() { _, _ = o.out.Write(line) })
	return len(p), nil
}

func (o *output) flush() { o.queue.Flush(o.patience) }

// The function writes directly to out, because a call of CoreDNS's log could deadlock.
func reportDropped(out io.Writer, n int) {
	text := fmt.Sprintf("%d log lines dropped here, because standard output did not take the lines in time", n)
	if clog.IsJSON() {
		slog.New(slog.NewJSONHandler(out, nil)).Warn(text)
		return
	}
	_, _ = fmt.Fprintln(out, "[WARNING]", text)
}

func queueOutput(out io.Writer) {
	caddy.RegisterCaddyfileLoader("output", caddy.LoaderFunc(func(string) (caddy.Input, error) {
		o := newOutput(out, outputPatience)
		clog.SetOutput(o)
		caddy.OnProcessExit = append(caddy.OnProcessExit, o.flush)
		return nil, nil // the next loader loads the Corefile
	}))
}
