package main

import (
	"os"
	"os/signal"
	"syscall"
)

// interrupted returns a channel for the first Ctrl-C or SIGTERM. After release, the signals have
// their usual effect.
func interrupted() (stop <-chan os.Signal, release func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	return c, func() { signal.Stop(c) }
}
