//go:build !unix

package coop

import "sync"

type poller struct{ sync.Mutex }

func newPoller() *poller { return &poller{} }
func (*poller) close()   {}
func (*poller) wait()    {}
