package logqueue

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

const never = time.Minute

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

func first(q *Queue, s *sink) {
	begun := make(chan struct{})
	q.Put(1, func() { close(begun); s.line("first")() })
	<-begun
}

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
