package logqueue

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

// never is a time limit that a working queue never reaches.
const never = time.Minute

// A sink is a log that blocks until open is closed.
type sink struct {
	open chan struct{}
	mu   sync.Mutex
	got  []string
}

func newSink(blocked bool) *sink {
	s := &sink{open: make(chan struct{})}
	if !blocked {
		close(s.open)
	}
	return s
}

func (s *sink) line(format string, args ...any) func() {
	return func() {
		<-s.open
		s.mu.Lock()
		defer s.mu.Unlock()
		s.got = append(s.got, fmt.Sprintf(format, args...))
	}
}

func (s *sink) queue(limit int) *Queue {
	return New(limit, func(n int) { s.line("%d dropped", n)() })
}

func (s *sink) want(t *testing.T, want ...string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(s.got, want) {
		t.Errorf("\n got %q\nwant %q", s.got, want)
	}
}

// first puts a line into the queue, and returns when the goroutine has begun to write it.
// Later lines wait while the log blocks.
func first(q *Queue, s *sink) {
	begun := make(chan struct{})
	q.Put(1, func() { close(begun); s.line("first")() })
	<-begun
}

// TestWriteReturnsWritten checks that a line is in the log when Write returns. The last
// line of a process is thus in the log.
func TestWriteReturnsWritten(t *testing.T) {
	s := newSink(false)
	q := s.queue(10)
	var want []string
	for i := range 1000 {
		q.Write(5, never, s.line("%d", i))
		want = append(want, fmt.Sprint(i))
		if i%100 == 0 {
			s.want(t, want...)
		}
	}
	s.want(t, want...)
}

// TestDropped checks that a full queue drops lines, and logs their number. The queue must
// then accept lines again.
func TestDropped(t *testing.T) {
	s := newSink(true)
	q := s.queue(10)
	first(q, s)
	q.Put(4, s.line("a"))
	q.Put(4, s.line("b"))
	q.Put(4, s.line("too much"))
	q.Put(1, s.line("would fit, but is behind a dropped line"))
	close(s.open)
	q.Flush(never)
	q.Write(1, never, s.line("later"))
	s.want(t, "first", "a", "b", "2 dropped", "later")
}

// TestLongLine checks that an empty queue accepts a line above the limit.
func TestLongLine(t *testing.T) {
	s := newSink(true)
	q := s.queue(10)
	first(q, s)
	q.Put(11, s.line("long"))
	q.Put(1, s.line("dropped"))
	close(s.open)
	q.Flush(never)
	s.want(t, "first", "long", "1 dropped")
}

// TestBlocked checks that Write and Flush return while the log blocks. Only the first Write
// waits for its full time. After the queue has been empty once, Write waits again.
func TestBlocked(t *testing.T) {
	s := newSink(true)
	q := s.queue(100)
	q.Write(1, time.Millisecond, s.line("waits in vain"))
	for i := range 3 {
		q.Write(1, never, s.line("%d", i)) // the test would time out if this Write waited
	}
	q.Flush(time.Millisecond)
	s.want(t)
	close(s.open)
	q.Flush(never)
	s.want(t, "waits in vain", "0", "1", "2")
	q.Write(1, never, s.line("waits"))
	s.want(t, "waits in vain", "0", "1", "2", "waits")
}

// TestEmpty checks that a queue is not empty while a line is being written.
func TestEmpty(t *testing.T) {
	q := New(100, func(int) {})
	writing, end := make(chan bool), make(chan bool)
	q.Put(1, func() { writing <- true; <-end })
	<-writing
	if q.Empty() {
		t.Error("empty, though a line is being written")
	}
	close(end)
	q.Flush(10 * time.Second)
	if !q.Empty() {
		t.Error("not empty after a flush")
	}
}
