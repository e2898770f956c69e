package store

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

type stuckLog struct {
	lines
	on     chan struct{}
	called chan struct{}
	once   sync.Once
}

func (l *stuckLog) wait() {
	if l.called != nil {
		l.once.Do(func() { close(l.called) })
	}
	<-l.on
}

func (l *stuckLog) Infof(f string, a ...any)    { l.wait(); l.lines.Infof(f, a...) }
func (l *stuckLog) Warningf(f string, a ...any) { l.wait(); l.lines.Warningf(f, a...) }
func (l *stuckLog) Errorf(f string, a ...any)   { l.wait(); l.lines.Errorf(f, a...) }

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

func TestLogDropsLines(t *testing.T) {
	log := &stuckLog{on: make(chan struct{}), called: make(chan struct{})}
	q := newQueue(log)
	q.Infof("first")
	<-log.called // the writer of the queue has taken the first line and blocks
	for range 10 {
		q.Infof("%s", strings.Repeat("x", maxQueued/4))
	}
	close(log.on)
	q.flush(time.Minute)
	text := log.take()
	if kept := strings.Count(text, "info: xxx"); kept != 4 {
		t.Errorf("%d lines kept, want 4", kept)
	}
	logged(t, text, 1, "warning: 6 lines dropped here")
}

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
