package scenarios

import (
	"regexp"
	"runtime"
	"strings"
	"sync"
	"time"
)

// A virtualClock is a clock that moves only when the test sets it.
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

// ring fires the alarms that are due.
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

// next returns the time of the next alarm, or limit if that is earlier.
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

// notice is the time that the server may need to notice a changed file. A change that applies
// "at once" must be in force after this time.
const notice = 10 * time.Millisecond

// noticed gives the server the time to notice a change of files.
func (s *scenario) noticed() {
	s.calm()
	for end := s.clock.Now().Add(notice); s.clock.Now().Before(end); s.calm() {
		s.clock.set(s.clock.next(end))
	}
}

// calm waits until the server has nothing to do. It runs before the clock moves, a file
// changes or a query is sent, so that the result does not depend on the scheduling of
// goroutines.
func (s *scenario) calm() {
	s.t.Helper()
	s.eventually("the server does not come to rest", func() bool { return !eventsPending(s.t) && atRest() })
}

// resting matches the first line of a goroutine that waits.
var resting = regexp.MustCompile(`^goroutine \d+ \[(select|IO wait|chan receive)[],]`)

// dump is a buffer with room for the stacks of all goroutines.
var dump = make([]byte, 1<<20)

// atRest reports whether every goroutine of the stores, of their sources and of the kernel's
// file events waits, and no query is in progress. (The log plugin writes after the client has
// its answer.) The dump shows one moment, so no message between two of these goroutines is
// unread.
func atRest() bool {
	all := dump[:runtime.Stack(dump, true)]
	for g := range strings.SplitSeq(string(all), "\n\n") {
		ours := strings.Contains(g, "blocklist/plugin/") || strings.Contains(g, "/fsnotify.")
		query := strings.Contains(g, "dnsserver.(*Server).ServeDNS(")
		working := strings.Contains(g, "blocklist/plugin/coop.") // a goroutine that yields has more work to do
		if query || working || ours && !resting.MatchString(g) {
			return false
		}
	}
	return true
}
