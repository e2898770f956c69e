package store

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// A stuckLog is a Log that blocks, as a full pipe does, until on is closed.
type stuckLog struct {
	lines
	on chan struct{}
}

func (l *stuckLog) Infof(f string, a ...any)    { <-l.on; l.lines.Infof(f, a...) }
func (l *stuckLog) Warningf(f string, a ...any) { <-l.on; l.lines.Warningf(f, a...) }
func (l *stuckLog) Errorf(f string, a ...any)   { <-l.on; l.lines.Errorf(f, a...) }

// TestLogBlocks checks that a store with a blocked log starts, loads files and closes.
func TestLogBlocks(t *testing.T) {
	log := &stuckLog{on: make(chan struct{})}
	w := newWorld(t)
	w.write("a.yaml", orders("", "a: a.example"))
	var err error
	if w.s, err = Open(w.options("a.yaml"), log, w.clock); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		w.write("a.yaml", orders("", fmt.Sprintf("a: n%d.example", i)))
		for deadline := time.Now().Add(20 * time.Second); len(w.blocked(fmt.Sprintf("n%d.example", i))) == 0; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("version %d of the file does not come into force", i)
			}
		}
	}
	closed := make(chan struct{})
	go func() { w.s.Close(); close(closed) }()
	select {
	case <-closed:
	case <-time.After(20 * time.Second):
		t.Error("Close waits for the log")
	}
	close(log.on)
	w.s.log.flush(time.Minute)
	text := log.take()
	logged(t, text, 1, "order a: new, in force")
	logged(t, text, 0, "dropped")
}

// TestLogQueueIsFull checks that lines are dropped if the queue is full, and that the log has
// their number in their place. Later lines are written again.
func TestLogQueueIsFull(t *testing.T) {
	log := &stuckLog{on: make(chan struct{})}
	q := newQueue(log)
	q.Infof("first")
	taken := func() bool {
		q.mu.Lock()
		defer q.mu.Unlock()
		return len(q.lines) == 0
	}
	for deadline := time.Now().Add(20 * time.Second); !taken(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the writer does not take the first line")
		}
	}
	long := strings.Repeat("x", maxQueued/4)
	for i := range 10 {
		q.Infof("%d %s", i, long)
	}
	close(log.on)
	q.flush(time.Minute)
	q.Errorf("later")
	q.flush(time.Minute)
	var got []string
	for line := range strings.SplitSeq(log.take(), "\n") {
		got = append(got, line[:min(len(line), 29)])
	}
	want := []string{
		"info: first", "info: 0 " + long[:21], "info: 1 " + long[:21], "info: 2 " + long[:21],
		"warning: 7 lines dropped here", "error: later",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestFlushAtStart checks that the lines of a start are in the log when Open returns.
func TestFlushAtStart(t *testing.T) {
	for range 20 {
		w := newWorld(t)
		w.write("a.yaml", orders("", "a: a.example"))
		s, err := Open(w.options("a.yaml"), w.log, w.clock)
		if err != nil {
			t.Fatal(err)
		}
		logged(t, w.log.take(), 1, "the order set: 1 file; 1 order in force")
		s.Close()
	}
}
