//go:build !unix

package coop

import "sync"

// A poller does nothing on a system other than Unix. There, only the Go scheduler decides when
// long work stops for other goroutines.
type poller struct{ sync.Mutex }

func newPoller() *poller { return &poller{} }
func (*poller) close()   {}
func (*poller) wait()    {}
