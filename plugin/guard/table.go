package guard

import (
	"hash/maphash"
	"math/bits"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/ruleset/index"
)

// table is the index of a guard's rules, and before it a filter for the names
// that no rule is about, at a fifth of what a walk through the index costs: a
// load asks for each of its names, and nearly all are such.
type table struct {
	*index.Index
	// filter has a bit set for the last two labels of each rule, and for each
	// top-level domain that says something of all below it. A rule at, above or
	// below a name shares its last two labels, or is such a top-level domain.
	filter []uint64
	seed   maphash.Seed
}

func newTable(x *index.Index) *table {
	// 32 to 64 bits a rule: some four in a hundred names look like one that a rule
	// is about, and are looked up for nothing.
	t := &table{Index: x, filter: make([]uint64, 1<<bits.Len(uint(x.Len()/2))), seed: maphash.MakeSeed()}
	for w, ref := range x.Wires() {
		if w.NumLabels() > 1 || ref&(wildcard|special|subtree) != 0 {
			word, bit := t.place(w.Suffix(min(2, w.NumLabels())))
			t.filter[word] |= bit
		}
	}
	return t
}

// place returns where the filter's bit of a suffix stands.
func (t *table) place(suffix []byte) (word int, bit uint64) {
	h := maphash.Bytes(t.seed, suffix)
	return int(h>>6) & (len(t.filter) - 1), 1 << (h & 63)
}

// passes reports that no rule is about the name; on false one may be.
func (t *table) passes(w *dname.Wire) bool {
	if w.NumLabels() < 2 {
		return false
	}
	for k := 2; k > 0; k-- {
		if word, bit := t.place(w.Suffix(k)); t.filter[word]&bit != 0 {
			return false
		}
	}
	return true
}

// firstBelow returns the ref of the first name below n, in canonical order, that
// is one of the kinds; 0 when there is none. It goes through all names that are
// marked below n, which only held targets pay for.
func (t *table) firstBelow(n *dname.Wire, kinds uint32) uint32 {
	var r room
	var w dname.Wire
	for i := t.FirstMarked(n); t.Marked(i, &w) && n.Covers(&w); i++ {
		hits, _ := t.Walk(&w, r[:0])
		if ref := hits[len(hits)-1].Ref; ref&kinds != 0 {
			return ref
		}
	}
	return 0
}
