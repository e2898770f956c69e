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
// parent is the number of the parent node, counted over nodes that have
// children ("interior" nodes; the root is 0), so that it takes an octet or two.
// ref is what hangs on the name; it is absent on nodes that are only ancestors.
//
// A look-up begins with the last two labels, since nearly every top-level domain is
// a node and few queries get beyond the second. If no tag in their bucket is
// theirs, that is all: one cache line read. Each label of a name that is there takes
// two, bucket and record; those of top-level domains are warm.
package index

import (
	"encoding/binary"
	"iter"
	"math/bits"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/pace"
)

const (
	hasRef   = 0x40
	interior = 0x80
	lenMask  = 0x3f
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
	parent, labels := uint64(0), w.NumLabels()
	for k := 1; k <= labels; k++ {
		r, ok := x.find(w, k, parent)
		if !ok {
			return hits, false
		}
		if r.flags&hasRef != 0 {
			hits = append(hits, Hit{k, r.ref})
		}
		if r.flags&interior == 0 {
			return hits, false
		}
		parent, markedBelow = r.number>>1, r.number&1 != 0
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
	parent, labels := uint64(0), w.NumLabels()
	for k := 1; k <= labels; k++ {
		r, ok := x.find(w, k, parent)
		if !ok || r.flags&hasRef != 0 {
			return ok
		}
		if r.flags&interior == 0 {
			return false
		}
		parent = r.number >> 1
	}
	return false
}

// passes reports that nothing stands at w or above it, and nothing below. Most
// queries end here: the last two labels are no node, which one bucket tells. The
// top-level domain before them is a node nearly always, and so tells nothing.
func (x *Index) passes(w *dname.Wire) bool {
	return x == nil || x.names == 0 || w.NumLabels() > 1 && !x.topLevel && x.lacks(w.Hash(2, key))
}

// lacks reports that no node has the hash. On false there may be one.
func (x *Index) lacks(h uint64) bool {
	b := &x.buckets[home(h, len(x.buckets))]
	return b.match(tagOf(h)) == 0 && b.over&overOf(h) == 0
}

// record is a decoded record.
type record struct {
	node
	parent uint64
	label  []byte
}

// node is what a look-up needs of a record.
type node struct {
	flags  uint8
	ref    uint32
	number uint64 // of an interior node, shifted left; bit 0: something marked lies below
}

func (x *Index) at(off uint32) (r record, next uint32) {
	b := x.arena[off:]
	v, n := uvarint(b)
	r.parent = v
	l := int(b[n] & lenMask)
	r.label = b[n+1 : n+1+l]
	var size int
	r.node, size = tail(b[n], b[n+1+l:])
	return r, off + uint32(n+1+l+size)
}

// find looks up the node of w's last k labels, whose parent is known.
func (x *Index) find(w *dname.Wire, k int, parent uint64) (node, bool) {
	h, label := w.Hash(k, key), w.Label(k)
	tag, over := tagOf(h), overOf(h)
	for i := home(h, len(x.buckets)); ; {
		b := &x.buckets[i]
		for m := b.match(tag); m != 0; m &= m - 1 {
			if n, ok := x.is(b.offs[bits.TrailingZeros16(m)], parent, label); ok {
				return n, true
			}
		}
		if b.over&over == 0 {
			return node{}, false
		}
		if i++; i == len(x.buckets) {
			i = 0
		}
	}
}

// is reports whether the record at off is that of a label below a parent.
func (x *Index) is(off uint32, parent uint64, label []byte) (node, bool) {
	b := x.arena[off:]
	p, n := uvarint(b)
	if p != parent {
		return node{}, false
	}
	head, b := b[n], b[n+1:]
	l := int(head & lenMask)
	if string(b[:l]) != string(label) {
		return node{}, false
	}
	v, _ := tail(head, b[l:])
	return v, true
}

// tail decodes what follows the label, and returns its octets.
func tail(head uint8, b []byte) (n node, size int) {
	n.flags = head &^ lenMask
	if head&hasRef != 0 {
		v, k := uvarint(b)
		n.ref, size = uint32(v), k
	}
	if head&interior != 0 {
		v, k := uvarint(b[size:])
		n.number = v
		size += k
	}
	return n, size
}

// uvarint is binary.Uvarint, which is not inlined.
func uvarint(b []byte) (uint64, int) {
	if b[0] < 0x80 {
		return uint64(b[0]), 1
	}
	return binary.Uvarint(b)
}

// appendName appends the wire form of a record's name to dst.
func (x *Index) appendName(dst []byte, r record) []byte {
	for {
		dst = append(dst, byte(len(r.label)))
		dst = append(dst, r.label...)
		if r.parent == 0 {
			return append(dst, 0)
		}
		r, _ = x.at(x.nodes[r.parent])
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
		c := x.Cursor()
		for i := 0; c.Next() && yield(&c.Wire, c.Ref); i++ {
			pace.Step(i)
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
		if x.name(x.marked[mid], &name); name.Compare(w) <= 0 {
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
	x.name(x.marked[i], dst)
	return true
}

// name puts the name of a record together in dst.
func (x *Index) name(off uint32, dst *dname.Wire) {
	var buf [dname.MaxWire]byte
	r, _ := x.at(off)
	dst.SetWire(x.appendName(buf[:0], r))
}
