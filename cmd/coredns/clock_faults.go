//go:build faultclock

package main

import (
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/dns-orders/blocklist/plugin/source"
)

// This file is only in builds with the tag faultclock, which the tests in test/faults use. The
// tests can then set the clock of the server like the clock of a machine.

// clockFile is the environment variable with the path of a file. The file has the offset of
// the server's clock from the real time, for example "-1h".
const clockFile = "BLOCKLIST_FAULT_CLOCK"

// A steppedClock differs from the real time by an offset in nanoseconds. The offset does not
// change the duration of timers, as on a machine whose clock is set.
type steppedClock struct{ offset atomic.Int64 }

func (c *steppedClock) Now() time.Time { return time.Now().Add(time.Duration(c.offset.Load())) }

func (c *steppedClock) After(d time.Duration) (<-chan time.Time, func()) {
	t := time.NewTimer(d)
	return t.C, func() { t.Stop() }
}

func init() {
	c := &steppedClock{}
	source.WallClock = c
	path := os.Getenv(clockFile)
	if path == "" {
		return
	}
	go func() {
		for range time.Tick(10 * time.Millisecond) {
			text, err := os.ReadFile(path)
			if err != nil {
				continue // the test writes the file later
			}
			if d, err := time.ParseDuration(strings.TrimSpace(string(text))); err == nil {
				c.offset.Store(int64(d))
			}
		}
	}()
}
