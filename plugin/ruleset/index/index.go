// Package index stores a large set of names, each with a value. A look-up returns the values of the
// query name and of all names above it. It does not allocate. The index has no pointers for the
// garbage collector to follow.
//
// The index is a trie of labels in a hash table. Each added name and each of its ancestors is a
// node. A look-up finds a node by the keyed hash of the whole name. The look-up then compares the
// parent and the label, so it never finds a wrong name.
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
//	parent   the number of the parent node; the root has the number 0
//	L|flags  the length of the label, and flags
//	ref      the value of the name; a node without a ref is only an ancestor
//	number   the number of the node; only a node with children has a number
//
// A node gets its number with its first child. Nodes with many children therefore mostly have small
// numbers, which take one or two bytes.
//
// A node can get a first child or a second value later. The builder then writes a longer record at
// the end of the arena. The old record is dead:
//
//	parent, 0, number of bytes to skip
//
// A look-up begins with the last two labels of the query name. For most queries, no node has these
// two labels. If no tag in the bucket matches, the look-up ends after one cache line. Each further
// label takes two cache lines, one for the bucket and one for the record.
package index

import (
	"iter"
	"math/bits"
	"runtime"

	"github.com/dns-orders/blocklist/plugin/coop"
	"github.com/dns-orders/blocklist/plugin/dname"
)

// An Index is an immutable set of names. It is safe for concurrent use.
type Index struct {
	// Each look-up reads the first fields. They share one cache line.

	buckets []bucket
	// The key of the hash is random. With a known key, an attacker could write a list of names that
	// all collide.
	key      uint64
	names    int
	topLevel bool
	arena    []byte
	// Element i is the offset of the record of interior node i. Element 0 is unused.
	nodes []uint32
	// These are the records of the marked names in canonical order (RFC 4034, section 6.1). In this
	// order, a name comes directly before all names below it.
	marked []uint32
	mem    *memory // owns the arrays that are outside of the heap
}

// A Hit is a name of the index. It is the query name or an ancestor of the query name.
type Hit struct {
	Labels int    // the number of labels of the name
	Ref    uint32 // the value of the name
}

// Len returns the number of names that have a value.
func (x *Index) Len() int { return x.names }

// Bytes returns the size of the index in memory, in bytes.
func (x *Index) Bytes() int {
	return 64*len(x.buckets) + cap(x.arena) + 4*(cap(x.nodes)+cap(x.marked))
}

// Walk looks up w and its ancestors. It appends a Hit for each name that has a value. The shortest
// name comes first. The second result is true if a marked name is below w.
func (x *Index) Walk(w *dname.Wire, hits []Hit) (_ []Hit, markedBelow bool) {
	if x.passes(w) {
		return hits, false
	}
	parent, h, labels := uint64(0), x.key, w.NumLabels()
	for k := 1; k <= labels; k++ {
		h = w.Hash(k, h)
		slot, n := x.find(h, parent, w.Label(k))
		if slot == nil {
			markedBelow = false
			break
		}
		if n.flags&hasRef != 0 {
			hits = append(hits, Hit{k, uint32(n.ref >> 1)})
		}
		if n.flags&interior == 0 {
			markedBelow = false
			break
		}
		parent, markedBelow = n.number>>1, n.number&1 != 0
	}
	runtime.KeepAlive(x)
	return hits, markedBelow
}

// Covers reports whether w or an ancestor of w has a value.
func (x *Index) Covers(w *dname.Wire) (covered bool) {
	if x.passes(w) {
		return false
	}
	parent, h, labels := uint64(0), x.key, w.NumLabels()
	for k := 1; k <= labels; k++ {
		h = w.Hash(k, h)
		slot, n := x.find(h, parent, w.Label(k))
		covered = slot != nil && n.flags&hasRef != 0
		if slot == nil || covered || n.flags&interior == 0 {
			break
		}
		parent = n.number >> 1
	}
	runtime.KeepAlive(x)
	return covered
}

// HasBelow reports whether the index contains a name below w. The name w must not be the root.
func (x *Index) HasBelow(w *dname.Wire) bool {
	if x.passes(w) {
		return false
	}
	parent, h, has := uint64(0), x.key, true
	for k := 1; k <= w.NumLabels() && has; k++ {
		h = w.Hash(k, h)
		slot, n := x.find(h, parent, w.Label(k))
		has = slot != nil && n.flags&interior != 0
		parent = n.number >> 1
	}
	runtime.KeepAlive(x)
	return has
}

func (x *Index) passes(w *dname.Wire) bool {
	return x == nil || x.names == 0 || w.NumLabels() > 1 && !x.topLevel && x.lacks(w.Hash(2, w.Hash(1, x.key)))
}

// The function may return false even if no node has the hash h.
func (x *Index) lacks(h uint64) bool {
	b := &x.buckets[home(h, len(x.buckets))]
	lacks := b.match(tagOf(h)) == 0 && b.over&overOf(h) == 0
	runtime.KeepAlive(x)
	return lacks
}

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

func (x *Index) records() iter.Seq2[uint32, record] {
	return func(yield func(uint32, record) bool) {
		for i, off := 0, uint32(0); int(off) < len(x.arena); i++ {
			coop.Tick(i)
			r, next := x.at(off)
			if r.flags != 0 && !yield(off, r) {
				break
			}
			off = next
		}
		runtime.KeepAlive(x)
	}
}

// All yields each name that has a value, in no particular sequence.
func (x *Index) All() iter.Seq2[dname.Name, uint32] {
	return func(yield func(dname.Name, uint32) bool) {
		for w, ref := range x.Wires() {
			if !yield(w.Name(), ref) {
				return
			}
		}
	}
}

// Wires yields each name that has a value. The Wire is valid only until the next iteration.
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

// FirstMarked finds the first marked name after w in canonical order, and returns its number. The
// marked names below w have consecutive numbers. Freeze describes marked names.
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

// Marked copies the marked name with the number i to dst. It returns false if i is too large.
// Freeze describes marked names.
func (x *Index) Marked(i int, dst *dname.Wire) bool {
	if i >= len(x.marked) {
		return false
	}
	r, _ := x.at(x.marked[i])
	x.setName(dst, r)
	runtime.KeepAlive(x)
	return true
}

// Refs yields the value of each name, in no particular sequence.
func (x *Index) Refs() iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		for _, r := range x.records() {
			if r.flags&hasRef != 0 && !yield(uint32(r.ref>>1)) {
				return
			}
		}
	}
}
