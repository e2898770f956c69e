package index

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/cespare/xxhash/v2"
	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/pace"
)

// fill is how full the buckets are made: at 9 of 12 slots one probe in eight
// reads a second line; fuller saves little memory.
const fill = 9

// Builder collects names. It is not safe for concurrent use.
type Builder struct {
	nodes  []growing
	labels []byte // length octet and label of each node
	items  []item
	table  []uint32 // open addressing: node number + 1
}

// growing is a node under construction.
type growing struct {
	hash   uint64
	parent int32  // node number; -1: the root
	label  uint32 // offset into labels
	head   int32  // 0: no value; n > 0: the one value n-1; n < 0: the last item, ^n
	number uint32 // of an interior node, assigned by Freeze; 1 while building: has children
}

// item is a value of a name that has several.
type item struct {
	value uint32
	next  int32 // as growing.head
}

// Grow makes room for n more names, so that adding them copies nothing.
func (b *Builder) Grow(n int) {
	// Real lists bring up to a fifth more nodes, and 11 octets a label.
	b.nodes = grow(b.nodes, n+n/5)
	b.labels = grow(b.labels, 14*n)
	b.tableFor(cap(b.nodes))
}

// grow is slices.Grow, which writes to all of the room at once. Of what make gets
// fresh from the system, pages come as they are used, between which work can give
// way.
func grow[T any](s []T, n int) []T {
	if cap(s)-len(s) >= n {
		return s
	}
	return append(make([]T, 0, max(len(s)+n, len(s)+len(s)/4)), s...)
}

// Add hangs value on a name, which must not be the root. A name may be added
// many times; its values keep their order.
func (b *Builder) Add(name dname.Name, value uint32) {
	pace.Step(len(b.nodes))
	var w dname.Wire
	w.SetName(name)
	parent := int32(-1)
	for k := 1; k <= w.NumLabels(); k++ {
		n := b.child(parent, w.Suffix(k))
		if parent >= 0 {
			b.nodes[parent].number = 1
		}
		parent = n
	}
	n := &b.nodes[parent]
	if n.head == 0 {
		n.head = int32(value) + 1
		return
	}
	b.items = append(b.items, item{value, n.head})
	n.head = ^int32(len(b.items) - 1)
}

// values appends a node's values to dst in the order in which they were added.
func (b *Builder) values(dst []uint32, n *growing) []uint32 {
	if n.head == 0 {
		return dst
	}
	first, k := len(dst), n.head
	for ; k < 0; k = b.items[^k].next {
		dst = append(dst, b.items[^k].value)
	}
	dst = append(dst, uint32(k-1))
	slices.Reverse(dst[first:])
	return dst
}

// child finds or makes the node of a suffix.
func (b *Builder) child(parent int32, suffix []byte) int32 {
	b.tableFor(len(b.nodes) + 1)
	h := xxhash.Sum64(suffix)
	mask := len(b.table) - 1
	i := int(h) & mask
	for ; b.table[i] != 0; i = (i + 1) & mask {
		n := &b.nodes[b.table[i]-1]
		if n.hash == h && n.parent == parent && string(b.label(n)) == string(suffix[1:1+suffix[0]]) {
			return int32(b.table[i] - 1)
		}
	}
	b.nodes = append(b.nodes, growing{hash: h, parent: parent, label: uint32(len(b.labels))})
	b.labels = append(b.labels, suffix[:1+suffix[0]]...)
	b.table[i] = uint32(len(b.nodes))
	return int32(len(b.nodes) - 1)
}

func (b *Builder) label(n *growing) []byte {
	l := uint32(b.labels[n.label])
	return b.labels[n.label+1 : n.label+1+l]
}

// tableFor makes the table big enough for n nodes: a power of two, three quarters
// full at most. Half full was measured too: 5 % of a load faster at best, and 8 MB
// more of a million names.
func (b *Builder) tableFor(n int) {
	if 4*n <= 3*len(b.table) {
		return
	}
	size := max(1024, 2*len(b.table))
	for 4*n > 3*size {
		size *= 2
	}
	b.table = make([]uint32, size)
	mask := size - 1
	for k := range b.nodes {
		pace.Step(k)
		i := int(b.nodes[k].hash) & mask
		for b.table[i] != 0 {
			i = (i + 1) & mask
		}
		b.table[i] = uint32(k + 1)
	}
}

// Freeze returns the finished index and ends the builder's life. It calls ref
// once for each name with the values that were added to it; ref returns what
// look-ups get, and whether the name is marked for Marked.
func (b *Builder) Freeze(ref func(values []uint32) (r uint32, mark bool)) *Index {
	x := &Index{nodes: []uint32{0}}
	b.table = nil // its memory is not needed any more
	b.number()
	below := b.frozenRefs(x, ref)

	buckets := max(1, (len(b.nodes)+fill-1)/fill)
	x.buckets = make([]bucket, buckets)
	x.arena = make([]byte, 0, b.arenaSize(below))
	x.nodes = make([]uint32, 1+b.interiors())
	for i := range b.nodes {
		pace.Step(i)
		n := &b.nodes[i]
		if len(x.arena) > math.MaxUint32-1024 {
			panic("index: more than 4 GiB of names") // 200 million names; nobody orders that
		}
		off := uint32(len(x.arena))
		b.appendRecord(x, n, below[i])
		if n.number != 0 {
			x.nodes[n.number] = off
		}
		if below[i]&isMarked != 0 {
			x.marked = append(x.marked, off)
		}
		x.insert(n.hash, off)
	}
	x.sortMarked()
	*b = Builder{}
	return x
}

const (
	isMarked    = 1
	markedBelow = 2
)

// number gives interior nodes their numbers, those with the most children the
// smallest, since every child repeats it.
func (b *Builder) number() {
	children := make([]uint32, len(b.nodes))
	var inner []int32
	for i := range b.nodes {
		pace.Step(i)
		if p := b.nodes[i].parent; p >= 0 {
			children[p]++
		}
		if b.nodes[i].number != 0 {
			inner = append(inner, int32(i))
		}
	}
	compared := 0
	slices.SortStableFunc(inner, func(i, j int32) int {
		compared++
		pace.Step(compared)
		return int(children[j]) - int(children[i])
	})
	for k, i := range inner {
		b.nodes[i].number = uint32(k + 1)
	}
}

func (b *Builder) interiors() (c int) {
	for i := range b.nodes {
		pace.Step(i)
		if b.nodes[i].number != 0 {
			c++
		}
	}
	return c
}

// frozenRefs replaces each node's head by its ref plus one (0: none) and
// returns the marks, handed up to all ancestors.
func (b *Builder) frozenRefs(x *Index, ref func([]uint32) (uint32, bool)) []uint8 {
	marks := make([]uint8, len(b.nodes))
	var values []uint32
	for i := range b.nodes {
		pace.Step(i)
		n := &b.nodes[i]
		if values = b.values(values[:0], n); len(values) == 0 {
			continue
		}
		r, mark := ref(values)
		n.head = int32(r) + 1
		x.names++
		if !mark {
			continue
		}
		marks[i] |= isMarked
		for p := n.parent; p >= 0 && marks[p]&markedBelow == 0; p = b.nodes[p].parent {
			marks[p] |= markedBelow
		}
	}
	b.items = nil
	return marks
}

// arenaSize returns the octets of all records.
func (b *Builder) arenaSize(marks []uint8) (size int) {
	var x Index
	for i := range b.nodes {
		pace.Step(i)
		x.arena = x.arena[:0]
		b.appendRecord(&x, &b.nodes[i], marks[i])
		size += len(x.arena)
	}
	return size
}

func (b *Builder) appendRecord(x *Index, n *growing, marks uint8) {
	parent := uint64(0)
	if n.parent >= 0 {
		parent = uint64(b.nodes[n.parent].number)
	}
	x.arena = binary.AppendUvarint(x.arena, parent)
	l := b.label(n)
	head := byte(len(l))
	if n.head != 0 {
		head |= hasRef
	}
	if n.number != 0 {
		head |= interior
	}
	x.arena = append(append(x.arena, head), l...)
	if n.head != 0 {
		x.arena = binary.AppendUvarint(x.arena, uint64(uint32(n.head-1)))
	}
	if n.number != 0 {
		x.arena = binary.AppendUvarint(x.arena, uint64(n.number)<<1|uint64(marks&markedBelow)>>1)
	}
}

func (x *Index) insert(h uint64, off uint32) {
	i := home(h, len(x.buckets))
	for {
		b := &x.buckets[i]
		for s := range b.tags {
			if b.tags[s] == 0 {
				b.tags[s], b.offs[s] = tagOf(h), off
				return
			}
		}
		if i++; i == len(x.buckets) {
			i = 0
		}
	}
}

func (x *Index) sortMarked() {
	if len(x.marked) == 0 {
		return
	}
	// Names are put together once each; comparing records in place would do it
	// at every comparison.
	type named struct {
		name dname.Name
		off  uint32
	}
	all := make([]named, len(x.marked))
	var buf [dname.MaxWire]byte
	for i, off := range x.marked {
		r, _ := x.at(off)
		all[i] = named{dname.FromWire(string(x.appendName(buf[:0], r))), off}
	}
	slices.SortFunc(all, func(a, b named) int { return a.name.Compare(b.name) })
	for i := range all {
		x.marked[i] = all[i].off
	}
}
