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
// the whole name, and one line of memory at a place that the hash chooses in a table
// of the index's size (overlapped: as many at a time as the processor can).
// waited is the same where the next question waits for the line, as a question that
// comes alone does; waited-twice reads a second line where the first one says, as who
// finds a name must read the name itself.
func BenchmarkFloor(b *testing.B) {
	eachSize(b, func(b *testing.B, n int) {
		lines := make([][8]uint64, n/9)
		for i, p := range rand.Perm(len(lines)) {
			lines[i][1] = uint64(p) // [0] stays 0
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

// sum keeps what is read for nothing.
var sum uint64
