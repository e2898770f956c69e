//go:build !unix

package coop

import "sync"

// A poller does nothing on systems other than Unix, where only the scheduler decides when work
// yields.
type poller struct{ sync.Mutex }

func newPoller() *poller { return &poller{} }
func (*poller) close()   {}
func (*poller) wait()    {}
