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

const notice = 10 * time.Millisecond

func (s *scenario) noticed() {
	s.calm()
	for end := s.clock.Now().Add(notice); s.clock.Now().Before(end); s.calm() {
		s.clock.Set(s.clock.Next(end))
	}
}

// Wait until the server is idle. Otherwise the order of goroutines could change the result of a
// step.
func (s *scenario) calm() {
	s.t.Helper()
	s.eventually("the server has always something to do", func() bool {
		busy := func(s *store.Store) bool { return !s.Idle() }
		return queries.Load() == 0 && !slices.ContainsFunc(store.All(), busy)
	})
}

// This counts the queries in progress. A query ends after the log plugin has written its line.
var queries atomic.Int64

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
