package bench

import (
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/cespare/xxhash/v2"
	"github.com/dns-orders/blocklist/bench/corpus"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

const now order.Time = 1_780_000_000

func judge(s *ruleset.Set, name string) bool {
	var q ruleset.QName
	return q.Set(name) && s.Covers(&q.Wire) && s.Decide(&q, ruleset.Query{Now: now}).Blocked()
}

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

// BenchmarkDecide measures Set.Decide with names in wire form.
func BenchmarkDecide(b *testing.B) {
	eachSize(b, func(b *testing.B, n int) {
		s := set(n)
		for _, kind := range []struct {
			name string
			qs   corpus.Queries
		}{{"hit", hits(n)}, {"subdomain-hit", subs(n)}, {"miss", misses(n)}} {
			b.Run(kind.name, func(b *testing.B) {
				asked := make([]ruleset.QName, min(len(kind.qs), 500_000))
				for i := range asked {
					asked[i].Set(kind.qs[i])
				}
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					if i == len(asked) {
						i = 0
					}
					s.Decide(&asked[i], ruleset.Query{Now: now})
				}
			})
		}
	})
}

func BenchmarkSet(b *testing.B) {
	qs := misses(10_000)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i == len(qs) {
			i = 0
		}
		var q ruleset.QName
		q.Set(qs[i])
	}
}

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

func BenchmarkFloor(b *testing.B) {
	eachSize(b, func(b *testing.B, n int) {
		lines := make([][8]uint64, n/9)
		for i, p := range rand.Perm(len(lines)) {
			lines[i][1] = uint64(p) // lines[i][0] stays 0
		}
		qs := misses(n)
		line := func(q string) *[8]uint64 {
			hi, _ := bits.Mul64(xxhash.Sum64String(q), uint64(len(lines)))
			return &lines[hi]
		}
		for _, kind := range []struct {
			name string
			next func(i int) int
		}{
			{"overlapped", func(i int) int { sum += line(qs[i])[1]; return i + 1 }},
			{"waited", func(i int) int { return i + 1 + int(line(qs[i])[0]) }},
			{"waited-twice", func(i int) int { return i + 1 + int(lines[line(qs[i])[1]][0]) }},
		} {
			b.Run(kind.name, func(b *testing.B) {
				for i := 0; b.Loop(); {
					if i = kind.next(i); i == len(qs) {
						i = 0
					}
				}
			})
		}
	})
}

// sum keeps the compiler from removing the memory reads.
var sum uint64
