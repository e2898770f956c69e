package bench

import (
	"context"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/dns-orders/blocklist/bench/corpus"
	"github.com/miekg/dns"
)

// BenchmarkJournal compares a server with a journal to a server without a journal. The metrics are:
//
//   - "x" is the median of the ratio "time with journal / time without journal".
//   - "control" is the same median for two servers without a journal.
//   - "x-fast" and "control-fast" use only the fastest tenth of the turns.
func BenchmarkJournal(b *testing.B) {
	const n, turn = 100_000, 2000
	without, again := handler(b, n), handler(b, n)
	with := handler(b, n, "journal "+filepath.Join(b.TempDir(), "journal")+" node1/journal")
	for _, kind := range []struct {
		name string
		qs   corpus.Queries
	}{{"passing", misses(n)}, {"blocked", hits(n)}} {
		b.Run(kind.name, func(b *testing.B) {
			m, w, ctx, next := new(dns.Msg), &discard{}, context.Background(), 0
			m.SetQuestion(".", dns.TypeA)
			run := func(h plugin.Handler, from int) time.Duration {
				begin := time.Now()
				for i := range turn {
					m.Question[0].Name = kind.qs[(from+i)%len(kind.qs)]
					if code, err := h.ServeDNS(ctx, w, m); code != dns.RcodeSuccess || err != nil {
						b.Fatal(code, err)
					}
				}
				return time.Since(begin)
			}
			servers := []plugin.Handler{without, again, with}
			var control, ratios []float64
			var all [3][]time.Duration
			for turns := 0; b.Loop(); turns++ {
				var took [3]time.Duration
				for i := range servers { // each server is the first of a turn as often as the others
					s := (i + turns) % len(servers)
					took[s] = run(servers[s], next)
				}
				for s := range all {
					all[s] = append(all[s], took[s])
				}
				control = append(control, took[1].Seconds()/took[0].Seconds())
				ratios = append(ratios, took[2].Seconds()/took[0].Seconds())
				next += turn
			}
			slices.Sort(control)
			slices.Sort(ratios)
			var fast [3]float64 // the sums of the fastest tenth
			for s := range all {
				slices.Sort(all[s])
				for _, t := range all[s][:1+len(all[s])/10] {
					fast[s] += t.Seconds()
				}
			}
			b.ReportMetric(fast[1]/fast[0], "control-fast")
			b.ReportMetric(fast[2]/fast[0], "x-fast")
			b.ReportMetric(control[len(control)/2], "control")
			b.ReportMetric(ratios[len(ratios)/2], "x")
		})
	}
}
