package source

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"
)

// A stepClock moves only when the test moves it.
type stepClock struct {
	mu     sync.Mutex
	now    time.Time
	alarms map[chan time.Time]time.Time
}

func (c *stepClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *stepClock) After(d time.Duration) (<-chan time.Time, func()) {
	c.mu.Lock()
	ch := make(chan time.Time, 1)
	c.alarms[ch] = c.now.Add(d)
	c.mu.Unlock()
	c.add(0)
	return ch, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.alarms, ch)
	}
}

func (c *stepClock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	for ch, at := range c.alarms {
		if !c.now.Before(at) {
			ch <- c.now
			delete(c.alarms, ch)
		}
	}
}

// TestIdle repeats one change many times, and moves the clock only while Idle returns
// true. Each report must come at the same time of the clock.
func TestIdle(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.yaml")
	write := func(text string) {
		t.Helper()
		tmp := filepath.Join(dir, ".tmp")
		old := time.Now().Add(-time.Hour)
		for _, err := range []error{os.WriteFile(tmp, []byte(text), 0o644), os.Chtimes(tmp, old, old), os.Rename(tmp, path)} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	write("one\n")
	clock := &stepClock{now: time.Now(), alarms: map[chan time.Time]time.Time{}}
	s, err := New(Config{Patterns: []string{path}, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	s.Scan(context.Background(), 0)
	if s.Idle() {
		t.Error("idle before Run")
	}
	ctx, cancel := context.WithCancel(context.Background())
	reports := make(chan time.Time, 100)
	done := make(chan error)
	go func() { done <- s.Run(ctx, func([]File) { reports <- clock.Now() }) }()
	defer func() { cancel(); <-done }()
	calm := func() {
		t.Helper()
		for deadline := time.Now().Add(10 * time.Second); !s.Idle(); runtime.Gosched() {
			if time.Now().After(deadline) {
				t.Fatal("the Source is never idle")
			}
		}
	}
	calm()
	for range 20 {
		begin := clock.Now()
		write(begin.String())
		for len(reports) == 0 {
			calm()
			if clock.Now().Sub(begin) > debounce {
				t.Fatalf("no report %s after the change", clock.Now().Sub(begin))
			}
			if len(reports) == 0 {
				clock.add(time.Millisecond)
			}
		}
		if took := (<-reports).Sub(begin); took != debounce {
			t.Fatalf("the report came %s after the change, want %s", took, debounce)
		}
		calm()
		clock.add(3 * DefaultPoll) // so that a scan after an event is allowed at once
		calm()
	}
}

// TestIdleAfterKick checks that Idle returns false after a kick and during work, until the
// next turn of the loop.
func TestIdleAfterKick(t *testing.T) {
	clock := &stepClock{now: time.Now(), alarms: map[chan time.Time]time.Time{}}
	s := &Source{clock: &steadyClock{Clock: clock}, wake: make(chan struct{}, 1)}
	soon := clock.now.Add(time.Second)
	for i, step := range []struct {
		do   func()
		idle bool
	}{
		{func() {}, false},
		{func() { s.rest.turn(); s.rest.pause(soon, false) }, true},
		{func() { s.kick() }, false},
		{func() { <-s.wake }, false},
		{func() { s.rest.turn() }, false},
		{func() { s.rest.pause(soon, true) }, false},
		{func() { s.rest.turn(); s.kick(); s.rest.pause(soon, false) }, false},
		{func() { s.rest.turn(); s.rest.pause(soon, false) }, true},
		{func() { clock.add(time.Second) }, false},
	} {
		if step.do(); s.Idle() != step.idle {
			t.Errorf("step %d: idle %v, want %v", i, !step.idle, step.idle)
		}
	}
}
