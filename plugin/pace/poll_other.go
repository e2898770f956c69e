//go:build !unix

package pace

import "sync"

// poller is none: giving way is left to the scheduler.
type poller struct{ sync.Mutex }

func newPoller() *poller { return &poller{} }
func (*poller) close()   {}
func (*poller) wait()    {}
