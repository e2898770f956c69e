package scenarios

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	"github.com/dns-orders/blocklist/plugin/store"
	"github.com/miekg/dns"
)

// notice is the virtual time in which the server must load a changed file. Changes that apply "at
// once" must also have an effect within this time.
const notice = 10 * time.Millisecond

func (s *scenario) noticed() {
	s.calm()
	for end := s.clock.Now().Add(notice); s.clock.Now().Before(end); s.calm() {
		s.clock.Set(s.clock.Next(end))
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

// queries is the number of queries in progress. A query is in progress until the log plugin has
// written its line, even if the answer was sent earlier.
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
