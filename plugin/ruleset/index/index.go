// Package index finds which of very many names a query name equals or lies
// below, and what hangs on each of them, without allocating and without
// pointers for the collector to walk.
//
// The index is a trie of labels kept in a hash table: every name that was added,
// and every ancestor of one, is a node; a node is found by the keyed hash of its
// whole suffix, and proved by its parent's number and its own label, so there are
// no false positives.
//
//	buckets (64 octets, one cache line)            arena, in the order of adding
//	+------+---+-------+------+------+---+-------+   +--------+--------+---+
//	| tag0 |...| tag11 | over | off0 |...| off11 |-->| record | record |...|
//	+------+---+-------+------+------+---+-------+   +--------+--------+---+
//	 12 tags of 8 bits, 32 bits, 12 offsets of 32
//
//	record
//	+--------+---------+-------+--------+----------+
//	| parent | L|flags | label | [ref]  | [number] |
//	+--------+---------+-------+--------+----------+
//	 varint   1 octet   L       varint   varint
//
// parent is the number of the parent node. Nodes that have children ("interior"
// nodes; the root is 0) are counted as they get their first one, so that those with
// many have small numbers, an octet or two. ref is what hangs on the name; it is
// absent on nodes that are only ancestors.
//
// The builder writes just this, so that a load needs no memory beside. A node whose
// record has to grow, since it gets a first child or a second value, gets another one
// at the end, and the old one is dead: its first octet behind parent is 0, the next
// says how many to skip.
//
// A look-up begins with the last two labels, since nearly every top-level domain is
// a node and few queries get beyond the second. If no tag in their bucket is
// theirs, that is all: one cache line read. Each label of a name that is there takes
// two, bucket and record; those of top-level domains are warm.
package index

import (
	"iter"
	"math/bits"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/pace"
)

// Index is a frozen set of names. It is immutable and safe for concurrent use.
type Index struct {
	buckets []bucket
	arena   []byte
	// topLevel: a top-level domain carries a ref.
	topLevel bool
	// nodes holds the record of each interior node by its number, 0 unused, so
	// that a name can be put together from a record.
	nodes []uint32
	// marked holds the records of the marked names in canonical order, in which
	// all names below another one stand together (RFC 4034, section 6.1).
	marked []uint32
	names  int
}

// Hit is a node on the path to a name.
type Hit struct {
	Labels int    // of the node's name
	Ref    uint32 // what the builder hung on it
}

// Len returns the number of names that carry a ref.
func (x *Index) Len() int { return x.names }

// Bytes returns the memory that the index holds.
func (x *Index) Bytes() int {
	return 64*len(x.buckets) + cap(x.arena) + 4*(cap(x.nodes)+cap(x.marked))
}

// Walk appends a Hit for every name in the index that is w or above it, from
// the shortest on, and reports whether a marked name lies below w. With room in
// hits it does not allocate.
func (x *Index) Walk(w *dname.Wire, hits []Hit) (_ []Hit, markedBelow bool) {
	if x.passes(w) {
		return hits, false
	}
	parent, h, labels := uint64(0), key, w.NumLabels()
	for k := 1; k <= labels; k++ {
		h = w.Hash(k, h)
		slot, n := x.find(h, parent, w.Label(k))
		if slot == nil {
			return hits, false
		}
		if n.flags&hasRef != 0 {
			hits = append(hits, Hit{k, uint32(n.ref >> 1)})
		}
		if n.flags&interior == 0 {
			return hits, false
		}
		parent, markedBelow = n.number>>1, n.number&1 != 0
	}
	// For the root itself the loop never ran; the root cannot be ordered.
	return hits, markedBelow
}

// Covers reports whether any name in the index is w or above it. Unlike Walk it
// needs no room for hits, which matters to callers on a small stack.
func (x *Index) Covers(w *dname.Wire) bool {
	if x.passes(w) {
		return false
	}
	parent, h, labels := uint64(0), key, w.NumLabels()
	for k := 1; k <= labels; k++ {
		h = w.Hash(k, h)
		slot, n := x.find(h, parent, w.Label(k))
		if slot == nil || n.flags&hasRef != 0 {
			return slot != nil
		}
		if n.flags&interior == 0 {
			return false
		}
		parent = n.number >> 1
	}
	return false
}

// passes reports that nothing stands at w or above it, and nothing below. Most
// queries end here: the last two labels are no node, which one bucket tells. The
// top-level domain before them is a node nearly always, and so tells nothing.
func (x *Index) passes(w *dname.Wire) bool {
	return x == nil || x.names == 0 || w.NumLabels() > 1 && !x.topLevel && x.lacks(w.Hash(2, w.Hash(1, key)))
}

// lacks reports that no node has the hash. On false there may be one.
func (x *Index) lacks(h uint64) bool {
	b := &x.buckets[home(h, len(x.buckets))]
	return b.match(tagOf(h)) == 0 && b.over&overOf(h) == 0
}

// find looks up the node of a label below a parent by the hash of its whole name. It
// returns where the place of its record stands, nil when there is no such node.
func (x *Index) find(h, parent uint64, label []byte) (*uint32, node) {
	tag, over := tagOf(h), overOf(h)
	for i := home(h, len(x.buckets)); ; {
		b := &x.buckets[i]
		for m := b.match(tag); m != 0; m &= m - 1 {
			slot := &b.offs[bits.TrailingZeros16(m)]
			if n, ok := x.is(*slot, parent, label); ok {
				return slot, n
			}
		}
		if b.over&over == 0 {
			return nil, node{}
		}
		if i++; i == len(x.buckets) {
			i = 0
		}
	}
}

// records yields the records that are not dead, in the order of adding.
func (x *Index) records() iter.Seq2[uint32, record] {
	return func(yield func(uint32, record) bool) {
		for i, off := 0, uint32(0); int(off) < len(x.arena); i++ {
			pace.Step(i)
			r, next := x.at(off)
			if r.flags != 0 && !yield(off, r) {
				return
			}
			off = next
		}
	}
}

// All yields every name that carries a ref, in no order.
func (x *Index) All() iter.Seq2[dname.Name, uint32] {
	return func(yield func(dname.Name, uint32) bool) {
		for w, ref := range x.Wires() {
			if !yield(w.Name(), ref) {
				return
			}
		}
	}
}

// Wires is All without a copy of each name: the Wire is good until the next one.
func (x *Index) Wires() iter.Seq2[*dname.Wire, uint32] {
	return func(yield func(*dname.Wire, uint32) bool) {
		if x == nil {
			return
		}
		var w dname.Wire
		for _, r := range x.records() {
			if r.flags&hasRef == 0 {
				continue
			}
			if x.setName(&w, r); !yield(&w, uint32(r.ref>>1)) {
				return
			}
		}
	}
}

// FirstMarked returns the place, in the canonical order of the marked names, of
// the first one behind w. Those strictly below w follow one another from there.
func (x *Index) FirstMarked(w *dname.Wire) int {
	var name dname.Wire
	lo, hi := 0, len(x.marked)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if x.Marked(mid, &name); name.Compare(w) <= 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// Marked puts the i-th marked name into dst and reports whether there is one.
func (x *Index) Marked(i int, dst *dname.Wire) bool {
	if i >= len(x.marked) {
		return false
	}
	r, _ := x.at(x.marked[i])
	x.setName(dst, r)
	return true
}
