package bench

import (
	"hash/maphash"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/bench/corpus"
)

// An arena is a hash table of whole names. BenchmarkArena compares the plugin with an arena.
type arena struct {
	seed maphash.Seed
	tags []uint8 // the tag of each slot; 0 means a free slot
	offs []uint32
	text []byte // each name, with its length byte in front
}

func newArena(names []string) *arena {
	size := 1
	for size < 2*len(names) {
		size *= 2
	}
	a := &arena{seed: maphash.MakeSeed(), tags: make([]uint8, size), offs: make([]uint32, size)}
	for _, name := range names {
		h := maphash.String(a.seed, name)
		i := int(h>>8) & (size - 1)
		for ; a.tags[i] != 0; i = (i + 1) & (size - 1) {
		}
		a.tags[i], a.offs[i] = uint8(h)|1, uint32(len(a.text))
		a.text = append(append(a.text, uint8(len(name))), name...)
	}
	return a
}

func (a *arena) has(name string) bool {
	h := maphash.String(a.seed, name)
	for i := int(h>>8) & (len(a.tags) - 1); a.tags[i] != 0; i = (i + 1) & (len(a.tags) - 1) {
		if off := a.offs[i]; a.tags[i] == uint8(h)|1 && int(a.text[off]) == len(name) && string(a.text[off+1:][:len(name)]) == name {
			return true
		}
	}
	return false
}

func (a *arena) covers(name string) bool {
	name = strings.TrimSuffix(name, ".")
	i := strings.LastIndexByte(name, '.')
	for i > 0 {
		if i = strings.LastIndexByte(name[:i], '.'); a.has(name[i+1:]) {
			return true
		}
	}
	return false
}

// BenchmarkArena measures the arena with the queries of BenchmarkQuery.
func BenchmarkArena(b *testing.B) {
	eachSize(b, func(b *testing.B, n int) {
		a := newArena(list(n).Names)
		for _, kind := range []struct {
			name string
			qs   corpus.Queries
			want bool
		}{{"hit", hits(n), true}, {"miss", misses(n), false}, {"hot-miss", misses(n)[:1], false}, {"hot-hit", hits(n)[:1], true}} {
			b.Run(kind.name, func(b *testing.B) {
				for i := 0; b.Loop(); i++ {
					if i == len(kind.qs) {
						i = 0
					}
					if a.covers(kind.qs[i]) != kind.want {
						b.Fatal(kind.qs[i])
					}
				}
			})
		}
	})
}
