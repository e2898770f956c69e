package blocklist

import (
	"regexp"
	"runtime"
	"strings"
	"sync"
	"time"
)

// virtualClock stands still until it is told to move.
type virtualClock struct {
	mu     sync.Mutex
	now    time.Time
	alarms map[chan time.Time]time.Time
}

func (c *virtualClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *virtualClock) After(d time.Duration) (<-chan time.Time, func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ch := make(chan time.Time, 1)
	if c.alarms == nil {
		c.alarms = map[chan time.Time]time.Time{}
	}
	c.alarms[ch] = c.now.Add(d)
	c.ring()
	return ch, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.alarms, ch)
	}
}

// ring sets off the alarms that are due.
func (c *virtualClock) ring() {
	for ch, at := range c.alarms {
		if !c.now.Before(at) {
			ch <- c.now
			delete(c.alarms, ch)
		}
	}
}

func (c *virtualClock) set(to time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = to
	c.ring()
}

// next is when the next alarm goes off, but not after limit.
func (c *virtualClock) next(limit time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, at := range c.alarms {
		if at.Before(limit) {
			limit = at
		}
	}
	return limit
}

// notice is how long the server may take to notice what was done to a file. A
// change that is "at once" in force is so after it.
const notice = 10 * time.Millisecond

// noticed lets the server notice a change of files.
func (s *scenario) noticed() {
	s.calm()
	for end := s.clock.Now().Add(notice); s.clock.Now().Before(end); s.calm() {
		s.clock.set(s.clock.next(end))
	}
}

// calm waits until the server has nothing to do before the clock moves, a file
// changes or a question is asked. Then what follows does not depend on who runs
// first.
func (s *scenario) calm() {
	s.t.Helper()
	s.eventually("the server does not come to rest", func() bool { return !eventsPending(s.t) && atRest() })
}

// resting is the first line of a goroutine that waits.
var resting = regexp.MustCompile(`^goroutine \d+ \[(select|IO wait|chan receive)[],]`)

// dump has room for all goroutines.
var dump = make([]byte, 1<<20)

// atRest reports whether every goroutine of the stores, their sources and the
// kernel's file events waits, and no query is under way (the log plugin writes when
// the client has its answer). The dump is of one moment: what one of them sent
// another has received.
func atRest() bool {
	all := dump[:runtime.Stack(dump, true)]
	for g := range strings.SplitSeq(string(all), "\n\n") {
		ours := strings.Contains(g, "blocklist/plugin/") || strings.Contains(g, "/fsnotify.")
		query := strings.Contains(g, "dnsserver.(*Server).ServeDNS(")
		working := strings.Contains(g, "blocklist/plugin/pace.") // it gives way, and goes on
		if query || working || ours && !resting.MatchString(g) {
			return false
		}
	}
	return true
}
