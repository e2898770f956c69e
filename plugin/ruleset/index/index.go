// Package index finds the names of a large set that a query name equals or lies below, and
// returns the value of each. It does not allocate, and has no pointers for the garbage
// collector to follow.
//
// The index is a trie of labels, stored in a hash table. Each added name and each of its
// ancestors is a node. A node is found by the keyed hash of its whole name, and is verified by
// its parent's number and its own label, so there are no false positives.
//
//	buckets (64 bytes, one cache line)             arena, in the sequence of adding
//	+------+---+-------+------+------+---+-------+   +--------+--------+---+
//	| tag0 |...| tag11 | over | off0 |...| off11 |-->| record | record |...|
//	+------+---+-------+------+------+---+-------+   +--------+--------+---+
//	 12 tags of 8 bits, 32 bits, 12 offsets of 32
//
//	record
//	+--------+---------+-------+--------+----------+
//	| parent | L|flags | label | [ref]  | [number] |
//	+--------+---------+-------+--------+----------+
//	 varint   1 byte    L       varint   varint
//
// parent is the number of the parent node. A node gets a number when it gets its first child,
// and is then called interior. The root has number 0. Numbers are given in sequence, so nodes
// with many children mostly have small numbers, which take one or two bytes. ref is the value
// of the name. It is absent in nodes that are only ancestors of names.
//
// The builder writes this format directly, so a load needs no other memory. When the record of
// a node must grow, because the node gets a first child or a second value, a new record is
// written at the end and the old record becomes dead. In a dead record, the byte after parent
// is 0, and the next byte is the number of bytes to skip.
//
// A look-up begins with the last two labels, because nearly every top-level domain is a node
// and few queries match two labels. If no tag in their bucket matches, the look-up ends after
// reading one cache line. Otherwise, each label takes two cache lines, one for the bucket and
// one for the record. The lines of top-level domains are usually cached.
package index

import (
	"iter"
	"math/bits"

	"github.com/dns-orders/blocklist/plugin/coop"
	"github.com/dns-orders/blocklist/plugin/dname"
)

// An Index is a frozen set of names. It is immutable and safe for concurrent use.
type Index struct {
	// The first fields are in one cache line, because each look-up reads them.

	buckets []bucket
	// key is the key of the hashes. It is random, so that lists cannot be made to collide on
	// purpose. It belongs to the index and not to the process, because an index that was read
	// (see Read) keeps the key with which its buckets were filled.
	key   uint64
	names int
	// topLevel is set if a top-level domain has a ref.
	topLevel bool
	arena    []byte
	// nodes are the offsets of the records of the interior nodes by number, from which the
	// name of a record can be built. Index 0 is unused.
	nodes []uint32
	// marked are the offsets of the records of the marked names, in canonical order (RFC 4034,
	// section 6.1). In this order, all names below a name are adjacent.
	marked []uint32
}

// A Hit is a name of the index on the path to a query name.
type Hit struct {
	Labels int    // the number of labels of the name
	Ref    uint32 // the value of the name
}

// Len returns the number of names that have a ref.
func (x *Index) Len() int { return x.names }

// Bytes returns the size of the index in bytes.
func (x *Index) Bytes() int {
	return 64*len(x.buckets) + cap(x.arena) + 4*(cap(x.nodes)+cap(x.marked))
}

// Walk appends a Hit for every name in the index that is w or above it, shortest name first,
// and reports whether a marked name is below w. It does not allocate if hits has enough room.
func (x *Index) Walk(w *dname.Wire, hits []Hit) (_ []Hit, markedBelow bool) {
	if x.passes(w) {
		return hits, false
	}
	parent, h, labels := uint64(0), x.key, w.NumLabels()
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
	// For the root, the loop does not run, because no order can name the root.
	return hits, markedBelow
}

// Covers reports whether any name in the index is w or above it. Unlike Walk it needs no room
// for hits, which matters to callers on a small stack.
func (x *Index) Covers(w *dname.Wire) bool {
	if x.passes(w) {
		return false
	}
	parent, h, labels := uint64(0), x.key, w.NumLabels()
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

// HasBelow reports whether a name in the index is below w, which must not be the root.
func (x *Index) HasBelow(w *dname.Wire) bool {
	if x.passes(w) {
		return false
	}
	parent, h := uint64(0), x.key
	for k := 1; k <= w.NumLabels(); k++ {
		h = w.Hash(k, h)
		slot, n := x.find(h, parent, w.Label(k))
		if slot == nil || n.flags&interior == 0 {
			return false
		}
		parent = n.number >> 1
	}
	return true
}

// passes reports whether certainly no name in the index is at, above or below w. Most queries
// end here, after reading one bucket, because their last two labels are not a node. The last
// label alone would not help, because nearly every top-level domain is a node.
func (x *Index) passes(w *dname.Wire) bool {
	return x == nil || x.names == 0 || w.NumLabels() > 1 && !x.topLevel && x.lacks(w.Hash(2, w.Hash(1, x.key)))
}

// lacks reports whether certainly no node has the hash h. If it returns false, a node may have
// the hash.
func (x *Index) lacks(h uint64) bool {
	b := &x.buckets[home(h, len(x.buckets))]
	return b.match(tagOf(h)) == 0 && b.over&overOf(h) == 0
}

// find looks up the node of a label below a parent. h is the hash of the whole name. find
// returns a pointer to the offset of the node's record, or nil if there is no such node.
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

// records yields the offset and the record of each node, without dead records, in the sequence
// of adding.
func (x *Index) records() iter.Seq2[uint32, record] {
	return func(yield func(uint32, record) bool) {
		for i, off := 0, uint32(0); int(off) < len(x.arena); i++ {
			coop.Tick(i)
			r, next := x.at(off)
			if r.flags != 0 && !yield(off, r) {
				return
			}
			off = next
		}
	}
}

// All yields every name that has a ref, in no particular order.
func (x *Index) All() iter.Seq2[dname.Name, uint32] {
	return func(yield func(dname.Name, uint32) bool) {
		for w, ref := range x.Wires() {
			if !yield(w.Name(), ref) {
				return
			}
		}
	}
}

// Wires yields the same as All without a copy of each name. The Wire is valid until the next
// iteration.
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

// FirstMarked returns the index of the first marked name after w, in canonical order. The
// marked names below w are adjacent and start there.
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

// Marked sets dst to the i-th marked name, and reports whether there is one.
func (x *Index) Marked(i int, dst *dname.Wire) bool {
	if i >= len(x.marked) {
		return false
	}
	r, _ := x.at(x.marked[i])
	x.setName(dst, r)
	return true
}
