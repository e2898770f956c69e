package source

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/test/clock"
)

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
	ticks := clock.New(time.Now())
	s, err := New(Config{Patterns: []string{path}, Clock: ticks})
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
	go func() { done <- s.Run(ctx, func([]File) { reports <- ticks.Now() }) }()
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
		begin := ticks.Now()
		write(begin.String())
		for len(reports) == 0 {
			calm()
			if ticks.Now().Sub(begin) > debounce {
				t.Fatalf("no report %s after the change", ticks.Now().Sub(begin))
			}
			if len(reports) == 0 {
				ticks.Add(time.Millisecond)
			}
		}
		if took := (<-reports).Sub(begin); took != debounce {
			t.Fatalf("the report came %s after the change, want %s", took, debounce)
		}
		calm()
		ticks.Add(3 * DefaultPoll) // so that a scan after an event is allowed at once
		calm()
	}
}

func TestIdleAfterKick(t *testing.T) {
	ticks := clock.New(time.Now())
	s := &Source{clock: &steadyClock{Clock: ticks}, wake: make(chan struct{}, 1)}
	soon := ticks.Now().Add(time.Second)
	for i, step := range []struct {
		do   func()
		idle bool
	}{
		{func() {}, false},
		{func() { s.begin(); s.rest.pause(soon, false) }, true},
		{func() { s.kick() }, false},
		{func() { <-s.wake }, false},
		{func() { s.begin() }, false},
		{func() { s.rest.pause(soon, true) }, false},
		{func() { s.begin(); s.kick(); s.rest.pause(soon, false) }, false},
		{func() { s.begin(); s.rest.pause(soon, false) }, true},
		{func() { ticks.Add(time.Second) }, false},
	} {
		if step.do(); s.Idle() != step.idle {
			t.Errorf("step %d: idle %v, want %v", i, !step.idle, step.idle)
		}
		if s.Idle() && len(s.wake) > 0 {
			t.Errorf("step %d: the Source is idle but will wake", i)
		}
	}
}
