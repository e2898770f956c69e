//go:build faultclock

package main

import (
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/dns-orders/blocklist/plugin/source"
)

// This file is only for the tests in test/faults, which set the server's clock.

const clockFile = "BLOCKLIST_FAULT_CLOCK"

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
