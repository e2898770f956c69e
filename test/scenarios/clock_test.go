package scenarios

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	"github.com/dns-orders/blocklist/plugin/store"
	"github.com/miekg/dns"
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

// ring fires the alarms whose time has come.
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

// next returns the time of the next alarm, or limit if limit is earlier.
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

// notice is a virtual time. In this time, the server must notice a changed file and apply
// a change that applies "at once".
const notice = 10 * time.Millisecond

// noticed moves the clock until the server has noticed a change of files.
func (s *scenario) noticed() {
	s.calm()
	for end := s.clock.Now().Add(notice); s.clock.Now().Before(end); s.calm() {
		s.clock.set(s.clock.next(end))
	}
}

// calm waits until the server has nothing to do. Otherwise the result of a step could
// depend on the scheduling of goroutines.
func (s *scenario) calm() {
	s.t.Helper()
	s.eventually("the server has always something to do", func() bool {
		busy := func(s *store.Store) bool { return !s.Idle() }
		return queries.Load() == 0 && !slices.ContainsFunc(store.All(), busy)
	})
}

// queries is the number of queries in progress. A query ends when the log plugin has
// written its line. This may be after the answer.
var queries atomic.Int64

// A queryCounter is a CoreDNS plugin above all other plugins. It counts the queries in
// progress.
type queryCounter struct{ plugin.Handler }

func init() {
	plugin.Register("querycounter", func(c *caddy.Controller) error {
		dnsserver.GetConfig(c).AddPlugin(func(next plugin.Handler) plugin.Handler { return queryCounter{next} })
		return nil
	})
}

func (q queryCounter) Name() string { return "querycounter" }

func (q queryCounter) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	queries.Add(1)
	defer queries.Add(-1)
	return plugin.NextOrFailure(q.Name(), q.Handler, ctx, w, r)
}
