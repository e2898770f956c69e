package main

import (
	"os"
	"os/signal"
	"syscall"
)

// interrupted returns a channel that receives a value at the first interrupt (Ctrl-C) or SIGTERM.
// After release is called, the signals have their usual effect again.
func interrupted() (stop <-chan os.Signal, release func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	return c, func() { signal.Stop(c) }
}
