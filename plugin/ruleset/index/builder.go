package index

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/pace"
)

// Builder collects names. It is not safe for concurrent use.
type Builder struct {
	nodes  []growing
	labels []byte // length octet and label of each node
	items  []item
	// buckets are those of the index to be, with numbers of nodes for offsets.
	buckets []bucket
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
	if buckets := cap(b.nodes)/fill + 1; buckets > len(b.buckets) {
		b.rebuild(buckets)
	}
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
		n := b.child(parent, &w, k)
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

// child finds or makes the node of w's last k labels.
func (b *Builder) child(parent int32, w *dname.Wire, k int) int32 {
	if len(b.nodes) >= fill*len(b.buckets) {
		b.rebuild(max(100, 2*len(b.buckets)))
	}
	h, label := w.Hash(k, key), w.Label(k)
	tag, over := tagOf(h), overOf(h)
	for i := home(h, len(b.buckets)); ; {
		t := &b.buckets[i]
		for m := t.match(tag); m != 0; m &= m - 1 {
			number := t.offs[bits.TrailingZeros16(m)]
			n := &b.nodes[number]
			if n.hash == h && n.parent == parent && string(b.label(n)) == string(label) {
				return int32(number)
			}
		}
		if t.over&over == 0 {
			break
		}
		if i++; i == len(b.buckets) {
			i = 0
		}
	}
	number := len(b.nodes)
	b.nodes = append(b.nodes, growing{hash: h, parent: parent, label: uint32(len(b.labels))})
	b.labels = append(append(b.labels, byte(len(label))), label...)
	insert(b.buckets, h, uint32(number))
	return int32(number)
}

// rebuild puts all nodes into so many buckets.
func (b *Builder) rebuild(buckets int) {
	b.buckets = make([]bucket, buckets)
	for i := range b.nodes {
		pace.Step(i)
		insert(b.buckets, b.nodes[i].hash, uint32(i))
	}
}

func (b *Builder) label(n *growing) []byte {
	l := uint32(b.labels[n.label])
	return b.labels[n.label+1 : n.label+1+l]
}

// Freeze returns the finished index and ends the builder's life. It calls ref
// once for each name with the values that were added to it; ref returns what
// look-ups get, and whether the name is marked for Marked.
func (b *Builder) Freeze(ref func(values []uint32) (r uint32, mark bool)) *Index {
	if want := len(b.nodes)/fill + 1; len(b.buckets) > want+want/8 || len(b.buckets) == 0 {
		b.rebuild(want)
	}
	x := &Index{buckets: b.buckets}
	b.number()
	below := b.frozenRefs(x, ref)
	x.arena = make([]byte, 0, b.arenaSize(below))
	x.nodes = make([]uint32, 1+b.interiors())
	places := make([]uint32, len(b.nodes))
	for i := range b.nodes {
		pace.Step(i)
		n := &b.nodes[i]
		if len(x.arena) > math.MaxUint32-1024 {
			panic("index: more than 4 GiB of names") // 200 million names; nobody orders that
		}
		off := uint32(len(x.arena))
		b.appendRecord(x, n, below[i])
		places[i] = off
		if n.number != 0 {
			x.nodes[n.number] = off
		}
		if below[i]&isMarked != 0 {
			x.marked = append(x.marked, off)
		}
	}
	x.place(places)
	x.sortMarked()
	*b = Builder{}
	return x
}

// place makes offsets of the numbers of nodes.
func (x *Index) place(places []uint32) {
	for i := range x.buckets {
		pace.Step(i)
		b := &x.buckets[i]
		for slot := 0; slot < slots && b.tags[slot] != 0; slot++ {
			b.offs[slot] = places[b.offs[slot]]
		}
	}
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
		x.topLevel = x.topLevel || n.parent < 0
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
