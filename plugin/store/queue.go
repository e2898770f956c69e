package store

import (
	"fmt"
	"time"

	"github.com/dns-orders/blocklist/plugin/logqueue"
	"github.com/dns-orders/blocklist/plugin/printable"
)

const (
	maxQueued     = 4 << 20
	flushPatience = time.Second
)

// A blocked log must not block a load. File names can contain line breaks, so the queue replaces
// unprintable characters.
type queue struct {
	log   Log
	lines *logqueue.Queue
}

func newQueue(log Log) *queue {
	return &queue{log, logqueue.New(maxQueued, func(n int) {
		log.Warningf("%s dropped here, because the log did not accept the lines in time", count(n, "line"))
	})}
}

func (q *queue) Infof(format string, args ...any) {
	q.put(q.log.Infof, printable.Line(fmt.Sprintf(format, args...)))
}

func (q *queue) Warningf(format string, args ...any) {
	q.put(q.log.Warningf, printable.Line(fmt.Sprintf(format, args...)))
}

func (q *queue) Errorf(format string, args ...any) {
	q.put(q.log.Errorf, printable.Line(fmt.Sprintf(format, args...)))
}

func (q *queue) stack(stack []byte) {
	q.put(q.log.Errorf, fmt.Sprintf("the stack of the panic:\n%s", stack))
}

func (q *queue) put(write func(string, ...any), text string) {
	q.lines.Put(len(text), func() { write("%s", text) })
}

func (q *queue) flush(patience time.Duration) { q.lines.Flush(patience) }
