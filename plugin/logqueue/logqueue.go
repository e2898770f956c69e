// Package logqueue queues log lines. A blocked log, for example a full pipe, then does not block
// the program.
package logqueue

import (
	"sync"
	"time"
)

// A Queue writes lines in order. A full queue drops new lines and logs their number.
type Queue struct {
	limit   int
	dropped func(n int)

	mu     sync.Mutex
	lines  []line
	size   int           // size of lines, in bytes
	lost   int           // number of lines that were dropped after the waiting lines
	behind bool          // a Write ran out of time, and the queue has not been empty since
	empty  chan struct{} // closed when the goroutine ends; nil without a goroutine
}

type line struct {
	write   func()
	written chan struct{}
}

// New returns an empty Queue. The limit is the maximum size of the waiting lines in bytes. An empty
// queue accepts a line of any length. The queue calls the function to log the number of dropped
// lines.
func New(limit int, dropped func(n int)) *Queue {
	return &Queue{limit: limit, dropped: dropped}
}

// Put adds a line and does not wait. The size is in bytes. The queue calls the function later to
// write the line.
func (q *Queue) Put(size int, write func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.put(size, write)
}

// Write adds a line and waits until the line is written. The size is in bytes. The wait is limited
// by the second argument. After a timeout, calls of Write return at once until the queue is empty.
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

// Flush waits until the queue is empty, but no longer than the given time.
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

func (q *Queue) put(size int, write func()) (written chan struct{}) {
	written = make(chan struct{})
	if q.lost > 0 || len(q.lines) > 0 && q.size+size > q.limit {
		// Drop all later lines too. The log then reports the loss at the right place.
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
