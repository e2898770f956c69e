package guard

import (
	"hash/maphash"
	"math/bits"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/ruleset/index"
)

// A table is an index behind a fast filter.
type table struct {
	*index.Index
	filter []uint64
	seed   maphash.Seed
}

func newTable(x *index.Index) *table {
	// The filter has 32 to 64 bits for each rule. Only about 4 % of the names without a rule then
	// need a search of the index.
	t := &table{Index: x, filter: make([]uint64, 1<<bits.Len(uint(x.Len()/2))), seed: maphash.MakeSeed()}
	for w, ref := range x.Wires() {
		if w.NumLabels() > 1 || ref&(wildcard|special|subtree) != 0 {
			word, bit := t.position(w.Suffix(min(2, w.NumLabels())))
			t.filter[word] |= bit
		}
	}
	return t
}

func (t *table) position(suffix []byte) (word int, bit uint64) {
	h := maphash.Bytes(t.seed, suffix)
	return int(h>>6) & (len(t.filter) - 1), 1 << (h & 63)
}

// If the result is false, a rule may apply. The caller must then search the index.
func (t *table) passes(w *dname.Wire) bool {
	if w.NumLabels() < 2 {
		return false
	}
	for k := 2; k > 0; k-- {
		if word, bit := t.position(w.Suffix(k)); t.filter[word]&bit != 0 {
			return false
		}
	}
	return true
}

func (t *table) firstBelow(n *dname.Wire, kinds uint32) uint32 {
	var r hitBuffer
	var w dname.Wire
	for i := t.FirstMarked(n); t.Marked(i, &w) && n.Covers(&w); i++ {
		hits, _ := t.Walk(&w, r[:0])
		if ref := hits[len(hits)-1].Ref; ref&kinds != 0 {
			return ref
		}
	}
	return 0
}
