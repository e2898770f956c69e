//go:build faultclock

package main

import (
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/dns-orders/blocklist/plugin/source"
)

// This file is only for the tests in test/faults, which build the server with the tag faultclock.
// The server then has a clock that the tests can set, as an administrator or a time server sets
// the clock of a machine. A build without the tag does not contain this file.

// clockFile is the environment variable with the path of a file. The file has the difference
// between the clock of the server and the real time, for example "-1h".
const clockFile = "BLOCKLIST_FAULT_CLOCK"

// A steppedClock differs from the real time by an offset in nanoseconds. The durations of its
// timers are real, as they are when a machine's clock is set.
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
