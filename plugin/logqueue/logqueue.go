// Package logqueue queues log lines, so that a blocked log does not block the program. For
// example, standard output can be a full pipe without a reader.
package logqueue

import (
	"sync"
	"time"
)

// A Queue writes lines in the sequence of their arrival. One goroutine writes the lines,
// and ends when the queue is empty. A full queue drops new lines, and logs their number.
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

// A line is a function that writes one log line. The channel "written" is closed when the
// function has returned.
type line struct {
	write   func()
	written chan struct{}
}

// New returns an empty Queue. The parameter "limit" is the largest total size of the waiting lines
// in bytes. An empty queue accepts one line of any length. The queue calls dropped to log the
// number of dropped lines.
func New(limit int, dropped func(n int)) *Queue {
	return &Queue{limit: limit, dropped: dropped}
}

// Put adds a line of size bytes and does not wait. The queue later calls the function write, which
// must write the line.
func (q *Queue) Put(size int, write func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.put(size, write)
}

// Write adds a line of size bytes. It waits until the line is written, or until the time "patience"
// has passed. If the time has passed, later calls of Write do not wait until the queue has been
// empty.
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

// Flush waits until the queue is empty, or until the time "patience" has passed.
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

// put adds a line. It returns a channel that is closed when the line is written or
// dropped.
func (q *Queue) put(size int, write func()) (written chan struct{}) {
	written = make(chan struct{})
	if q.lost > 0 || len(q.lines) > 0 && q.size+size > q.limit {
		// After a dropped line, drop all later lines until the goroutine has fetched the waiting
		// lines. The log then contains the number of dropped lines at the right place.
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

// closed waits until the channel c is closed, or until the time "patience" has passed. It returns
// true if c is closed. It uses the real clock, because a log blocks in real time.
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
