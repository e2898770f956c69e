// Package logqueue queues log lines, so that a log that blocks does not block the program.
//
// A write to standard output blocks while standard output is a pipe that nothing reads. A load
// of orders must go on then, and so must the end of the process.
package logqueue

import (
	"sync"
	"time"
)

// A Queue writes lines in the order in which they were put into the queue, in a goroutine of
// its own. The goroutine ends when the queue is empty.
//
// The lines that wait have a bounded size. A full queue drops lines until its goroutine takes
// all lines that wait, so the lines that were dropped are next to each other. The goroutine
// then reports the number of dropped lines, after the lines before them.
type Queue struct {
	limit   int
	dropped func(n int)

	mu     sync.Mutex
	lines  []line
	size   int           // size of lines, in bytes
	lost   int           // number of lines that were dropped after lines
	behind bool          // a Write has timed out since the queue was empty
	empty  chan struct{} // closed when the goroutine ends; nil without a goroutine
}

// A line is a function that writes one line. Written is closed when the function has returned.
type line struct {
	write   func()
	written chan struct{}
}

// New returns a Queue whose waiting lines have at most limit bytes, or are one longer line. The
// queue calls dropped in its goroutine, with the number of lines that it has dropped.
func New(limit int, dropped func(n int)) *Queue {
	return &Queue{limit: limit, dropped: dropped}
}

// Put adds a line of size bytes, and does not wait. Later the queue calls write, which writes
// the line.
func (q *Queue) Put(size int, write func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.put(size, write)
}

// Write adds a line of size bytes, and waits until write has returned, but at most for patience.
// After a Write that has waited in vain, no Write waits until the queue was empty once.
func (q *Queue) Write(size int, patience time.Duration, write func()) {
	q.mu.Lock()
	written, behind := q.put(size, write), q.behind
	q.mu.Unlock()
	if behind || closed(written, patience) {
		return
	}
	q.mu.Lock()
	q.behind = q.empty != nil
	q.mu.Unlock()
}

// Flush waits until the queue is empty, but at most for patience.
func (q *Queue) Flush(patience time.Duration) {
	q.mu.Lock()
	empty := q.empty
	q.mu.Unlock()
	if empty != nil {
		closed(empty, patience)
	}
}

// Empty reports whether all lines are written.
func (q *Queue) Empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.empty == nil
}

// put adds a line and returns the channel that is closed when the line is written or dropped.
func (q *Queue) put(size int, write func()) (written chan struct{}) {
	written = make(chan struct{})
	if q.lost > 0 || len(q.lines) > 0 && q.size+size > q.limit {
		q.lost++
		close(written)
		return written
	}
	q.lines, q.size = append(q.lines, line{write, written}), q.size+size
	if q.empty == nil {
		q.empty = make(chan struct{})
		go q.run()
	}
	return written
}

// run writes lines until the queue is empty.
func (q *Queue) run() {
	for {
		q.mu.Lock()
		lines, lost := q.lines, q.lost
		q.lines, q.size, q.lost = nil, 0, 0
		if len(lines) == 0 {
			q.behind = false
			close(q.empty)
			q.empty = nil
			q.mu.Unlock()
			return
		}
		q.mu.Unlock()
		for _, l := range lines {
			l.write()
			close(l.written)
		}
		if lost > 0 {
			q.dropped(lost)
		}
	}
}

// closed waits until c is closed, but at most for patience, and reports whether c is closed.
// The time is the real time, because a log blocks in real time.
func closed(c <-chan struct{}, patience time.Duration) bool {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-c:
		return true
	case <-timer.C:
		return false
	}
}
