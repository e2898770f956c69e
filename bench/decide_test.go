package bench

import (
	"math/bits"
	"runtime"
	"testing"

	"github.com/cespare/xxhash/v2"
	"github.com/dns-orders/blocklist/bench/corpus"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

const now order.Time = 1_780_000_000

// judge is what a query costs until its verdict is known: the name read from
// presentation form, the look whether any rule covers it, the decision.
func judge(s *ruleset.Set, name string) bool {
	var q ruleset.Asked
	return q.Set(name) && s.Covers(&q.Wire) && s.Decide(&q, ruleset.Client{}, now).Blocked()
}

// BenchmarkQuery is the goal's figure: cold keys, a name of each kind.
func BenchmarkQuery(b *testing.B) {
	eachSize(b, func(b *testing.B, n int) {
		s := set(n)
		b.Run("hit", func(b *testing.B) { judgeAll(b, s, hits(n), 1) })
		b.Run("subdomain-hit", func(b *testing.B) { judgeAll(b, s, subs(n), 1) })
		b.Run("miss", func(b *testing.B) { judgeAll(b, s, misses(n), 0) })
		b.Run("mix", func(b *testing.B) { judgeAll(b, s, mix(n), 0.05) })
		b.Run("hot-miss", func(b *testing.B) { judgeAll(b, s, misses(n)[:1], 0) })
		b.Run("hot-hit", func(b *testing.B) { judgeAll(b, s, hits(n)[:1], 1) })
	})
}

// judgeAll asks one question after the other, around and around; share is how
// many must be blocked.
func judgeAll(b *testing.B, s *ruleset.Set, qs corpus.Queries, share float64) {
	sample := qs[:min(len(qs), 10_000)]
	blocked := 0
	for _, q := range sample {
		if judge(s, q) {
			blocked++
		}
	}
	got := float64(blocked) / float64(len(sample))
	must(b, got >= 0.9*share && got <= 1.1*share, "not the share of queries that is to be blocked")
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i == len(qs) {
			i = 0
		}
		judge(s, qs[i])
	}
}

// BenchmarkDecide is Set.Decide alone, the name in wire form already. The wire
// forms are read one after the other from memory, 400 octets each.
func BenchmarkDecide(b *testing.B) {
	eachSize(b, func(b *testing.B, n int) {
		s := set(n)
		for _, kind := range []struct {
			name string
			qs   corpus.Queries
		}{{"hit", hits(n)}, {"subdomain-hit", subs(n)}, {"miss", misses(n)}} {
			b.Run(kind.name, func(b *testing.B) {
				asked := make([]ruleset.Asked, min(len(kind.qs), 500_000))
				for i := range asked {
					asked[i].Set(kind.qs[i])
				}
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					if i == len(asked) {
						i = 0
					}
					s.Decide(&asked[i], ruleset.Client{}, now)
				}
			})
		}
	})
}

// BenchmarkSet is dname alone: what BenchmarkQuery pays before it looks anything
// up.
func BenchmarkSet(b *testing.B) {
	qs := misses(10_000)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i == len(qs) {
			i = 0
		}
		var q ruleset.Asked
		q.Set(qs[i])
	}
}

// BenchmarkParallel asks with every CPU at once: the set is read only, so ns/op
// is that of BenchmarkQuery's mix divided by the number of CPUs.
func BenchmarkParallel(b *testing.B) {
	eachSize(b, func(b *testing.B, n int) {
		s, qs := set(n), mix(n)
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				if i == len(qs) {
					i = 0
				}
				judge(s, qs[i])
			}
		})
	})
}

// BenchmarkFloor is what no exact index gets below on the machine: the hash of
// the whole name, and one line of memory read at a place that the hash chooses in
// a table of the index's size. Memory's latency is most of it.
func BenchmarkFloor(b *testing.B) {
	eachSize(b, func(b *testing.B, n int) {
		lines := make([][8]uint64, n/9)
		for i := range lines {
			lines[i][0] = uint64(i) // else all would be the one page of zeros
		}
		qs, sum := misses(n), uint64(0)
		for i := 0; b.Loop(); i++ {
			if i == len(qs) {
				i = 0
			}
			hi, _ := bits.Mul64(xxhash.Sum64String(qs[i]), uint64(len(lines)))
			sum += lines[hi][0]
		}
		runtime.KeepAlive(sum)
	})
}
