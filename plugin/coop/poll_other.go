//go:build !unix

package coop

import "sync"

// A poller does nothing on a system other than Unix. Long work then runs until the Go
// scheduler stops it.
type poller struct{ sync.Mutex }

func newPoller() *poller { return &poller{} }
func (*poller) close()   {}
func (*poller) wait()    {}
