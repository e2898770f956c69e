package main

import (
	"os"
	"os/signal"
	"syscall"
)

// The channel is for the first Ctrl-C or SIGTERM. After the call of release, the signals have their
// usual effect.
func interrupted() (stop <-chan os.Signal, release func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	return c, func() { signal.Stop(c) }
}
