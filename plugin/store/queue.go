package store

import (
	"fmt"
	"sync"
	"time"

	"github.com/dns-orders/blocklist/plugin/printable"
)

const (
	// maxQueued is the largest number of bytes of text that may wait for the log.
	maxQueued = 4 << 20
	// flushPatience is the time that a start and Close wait for the log.
	flushPatience = time.Second
)

// A queue writes the lines of a Store to a Log. Each line becomes printable, because paths,
// names of side lists and errors of the operating system contain foreign text.
//
// CoreDNS's log writes to standard output at once, and the write blocks while standard
// output is a pipe that nothing reads. A load must not wait for the log, so the lines go
// through a queue. One goroutine writes the lines, and ends when the queue is empty. If
// the queue is full, lines are dropped, and a later line has their number.
type queue struct {
	log Log

	mu      sync.Mutex
	lines   []logLine
	size    int           // the number of bytes in lines
	dropped int           // the number of lines that were dropped after the last line of lines
	written chan struct{} // closed when the writer ends; nil without a writer
}

// A logLine is a line and the method of the Log that writes the line.
type logLine struct {
	write func(format string, args ...any)
	text  string
}

func newQueue(log Log) *queue { return &queue{log: log} }

func (q *queue) Infof(format string, args ...any) {
	q.put(q.log.Infof, printable.Line(fmt.Sprintf(format, args...)))
}

func (q *queue) Warningf(format string, args ...any) {
	q.put(q.log.Warningf, printable.Line(fmt.Sprintf(format, args...)))
}

func (q *queue) Errorf(format string, args ...any) {
	q.put(q.log.Errorf, printable.Line(fmt.Sprintf(format, args...)))
}

// stack logs the stack of a panic, with its line breaks. A stack contains no foreign text.
func (q *queue) stack(stack []byte) {
	q.put(q.log.Errorf, fmt.Sprintf("the stack of the panic:\n%s", stack))
}

// put adds a line to the queue, and starts the writing goroutine if necessary.
func (q *queue) put(write func(string, ...any), text string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.size+len(text) > maxQueued {
		q.dropped++
		return
	}
	q.lines, q.size = append(q.lines, logLine{write, text}), q.size+len(text)
	if q.written == nil {
		q.written = make(chan struct{})
		go q.run()
	}
}

// run writes the lines of the queue until the queue is empty.
func (q *queue) run() {
	for {
		q.mu.Lock()
		lines, dropped := q.lines, q.dropped
		q.lines, q.size, q.dropped = nil, 0, 0
		if len(lines) == 0 {
			close(q.written)
			q.written = nil
			q.mu.Unlock()
			return
		}
		q.mu.Unlock()
		for _, l := range lines {
			l.write("%s", l.text)
		}
		if dropped > 0 {
			q.log.Warningf("%s dropped here, because the log did not accept the lines in time", count(dropped, "line"))
		}
	}
}

// flush waits until the queue is empty, but not longer than limit.
func (q *queue) flush(limit time.Duration) {
	q.mu.Lock()
	written := q.written
	q.mu.Unlock()
	if written == nil {
		return
	}
	// The timer runs in real time, because the clock of a test may stand still or jump.
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-written:
	case <-timer.C:
	}
}
