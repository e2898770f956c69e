package store

import (
	"fmt"
	"time"

	"github.com/dns-orders/blocklist/plugin/logqueue"
	"github.com/dns-orders/blocklist/plugin/printable"
)

const (
	// maxQueued bounds the text that waits for the log, in bytes.
	maxQueued = 4 << 20
	// flushPatience is how long a start and Close wait for the log.
	flushPatience = time.Second
)

// queue writes the lines of a Store to a Log, each as one printable line, because paths, names
// of side lists and errors of the operating system have text of other people. A load does not
// wait for the log.
type queue struct {
	log   Log
	lines *logqueue.Queue
}

func newQueue(log Log) *queue {
	return &queue{log, logqueue.New(maxQueued, func(n int) {
		log.Warningf("%s dropped here, since the log did not take the lines in time", count(n, "line"))
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

// stack logs the stack of a panic unchanged. The stack has no text of other people.
func (q *queue) stack(stack []byte) {
	q.put(q.log.Errorf, fmt.Sprintf("the stack of the panic:\n%s", stack))
}

func (q *queue) put(write func(string, ...any), text string) {
	q.lines.Put(len(text), func() { write("%s", text) })
}

func (q *queue) flush(patience time.Duration) { q.lines.Flush(patience) }
