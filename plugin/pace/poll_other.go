//go:build !unix

package pace

// poller is none: giving way is left to the scheduler.
type poller struct{}

func newPoller() *poller { return &poller{} }
func (*poller) close()   {}
func (*poller) wait()    {}
