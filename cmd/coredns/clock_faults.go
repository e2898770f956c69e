//go:build faultclock

package main

import (
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/dns-orders/blocklist/plugin/source"
)

// This file is only for the tests in test/faults, which set the clock of the server. The build tag
// faultclock includes it.

// clockFile is an environment variable with the path of a file. The file contains the offset of the
// server's clock from the real time, for example "-1h".
const clockFile = "BLOCKLIST_FAULT_CLOCK"

// A steppedClock adds an offset in nanoseconds to the real time. The offset has no effect on
// timers, as on a machine whose clock is set to another time.
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
