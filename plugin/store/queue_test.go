package store

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// stuckLog is a Log that blocks, as a full pipe does, until on is closed.
type stuckLog struct {
	lines
	on chan struct{}
}

func (l *stuckLog) Infof(f string, a ...any)    { <-l.on; l.lines.Infof(f, a...) }
func (l *stuckLog) Warningf(f string, a ...any) { <-l.on; l.lines.Warningf(f, a...) }
func (l *stuckLog) Errorf(f string, a ...any)   { <-l.on; l.lines.Errorf(f, a...) }

// TestLogBlocks: a log that blocks stops neither a start, nor a load, nor the watch of
// times, nor Close.
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

// TestLogDropsLines checks that the log says how many lines a full queue has dropped.
func TestLogDropsLines(t *testing.T) {
	log := &stuckLog{on: make(chan struct{})}
	q := newQueue(log)
	begun := make(chan struct{})
	q.put(func(string, ...any) { close(begun); <-log.on }, "the line that is being written")
	<-begun // later lines wait in the queue
	for range 10 {
		q.Infof("%s", strings.Repeat("x", maxQueued/4))
	}
	close(log.on)
	q.flush(time.Minute)
	text := log.take()
	logged(t, text, 4, "info: xxx")
	logged(t, text, 1, "warning: 6 lines dropped here")
}

// TestFlushAtStart: the lines of a start are in the log when Open returns.
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
