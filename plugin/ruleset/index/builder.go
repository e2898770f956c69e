package index

import (
	"cmp"
	"math"
	"math/bits"
	"math/rand/v2"
	"runtime"
	"slices"

	"github.com/dns-orders/blocklist/plugin/coop"
	"github.com/dns-orders/blocklist/plugin/dname"
)

// A Builder collects names and values for an Index. A Builder is not safe for concurrent
// use.
type Builder struct {
	// The maximum size of all records together, in bytes. 0 means the largest possible size, enough
	// for some 200 million names.
	Max     int
	x       Index
	added   int // the number of added names, including duplicates
	used    int // the number of used slots in all buckets
	dead    int // the size of dead records in bytes
	items   []item
	pending [batch]struct {
		dname.Wire
		value uint32
	}
	waiting int
	lines   [2 * batch]uint32
	touched uint32 // result of all prefetches, so that the compiler does not remove the prefetches
	full    bool
}

const maxArena = math.MaxUint32 - 1024

const maxName = 8 << 10

// Full reports whether names are missing because the records have reached the size Max.
func (b *Builder) Full() bool {
	b.flush()
	return b.full
}

const batch = 16

type item struct {
	value uint32
	prev  int32 // the index of the item that was added before, or -1
}

// Add adds a name with a value. The name must not be the root, and the value must be less than
// 1<<31. The values of a name stay in the sequence of the calls.
func (b *Builder) Add(name dname.Name, value uint32) {
	p := &b.pending[b.waiting]
	p.SetName(name)
	b.wait(value)
}

// AddWire is Add for a name in wire form.
func (b *Builder) AddWire(w *dname.Wire, value uint32) {
	b.pending[b.waiting].Wire = *w
	b.wait(value)
}

func (b *Builder) wait(value uint32) {
	b.pending[b.waiting].value = value
	if b.waiting++; b.waiting == batch {
		b.flush()
	}
}

func (b *Builder) flush() {
	coop.Yield()
	if b.x.nodes == nil {
		b.x.nodes = alloc[uint32](&b.x, 1, 16)
		b.x.key = rand.Uint64()
		b.rebuild(1)
	}
	// This loop only fetches cache lines. The CPU can fetch several at the same time.
	lines := b.lines[:0]
	for i := range b.pending[:b.waiting] {
		w, h := &b.pending[i].Wire, b.x.key
		for k := 1; k <= w.NumLabels(); k++ {
			if h = w.Hash(k, h); k > 1 && len(lines) < cap(lines) {
				lines = append(lines, uint32(home(h, len(b.x.buckets))))
			}
		}
	}
	for _, i := range lines {
		b.touched ^= b.x.buckets[i].over
	}
	for i := range b.pending[:b.waiting] {
		p := &b.pending[i]
		b.add(&p.Wire, p.value)
	}
	b.added += b.waiting
	b.waiting = 0
}

func (b *Builder) add(w *dname.Wire, value uint32) {
	if most := cmp.Or(b.Max, maxArena); len(b.x.arena) > most-maxName {
		b.full = true
		return
	}
	if most := b.used + w.NumLabels(); most > fill*len(b.x.buckets) {
		b.rebuild(max(2*len(b.x.buckets), most/fill+1))
	}
	parent, h := uint64(0), b.x.key
	for k := 1; k <= w.NumLabels(); k++ {
		h = w.Hash(k, h)
		isName := k == w.NumLabels()
		slot, n := b.x.find(h, parent, w.Label(k))
		switch had := n.flags; {
		case !isName && had&interior == 0:
			n.flags, n.number = had|interior, uint64(len(b.x.nodes))<<1
			b.x.nodes = push(&b.x, b.x.nodes, 0)
		case isName && had&hasRef == 0:
			n.flags, n.ref = had|hasRef, uint64(value)<<1
		case isName:
			b.hang(slot, record{n, parent, w.Label(k)}, value)
			return
		default:
			parent = n.number >> 1
			continue
		}
		b.put(slot, h, record{n, parent, w.Label(k)})
		parent = n.number >> 1
	}
}

func (b *Builder) put(slot *uint32, h uint64, r record) {
	if slot != nil {
		b.dead += b.x.kill(*slot)
		*slot = b.x.append(r)
		return
	}
	insert(b.x.buckets, h, b.x.append(r))
	b.used++
}

func (b *Builder) hang(slot *uint32, r record, value uint32) {
	prev := int32(r.ref >> 1)
	if r.ref&1 == 0 {
		b.items = append(b.items, item{uint32(r.ref >> 1), -1})
		prev = int32(len(b.items) - 1)
		r.ref |= 1
		b.put(slot, 0, r)
	}
	b.items = append(b.items, item{value, prev})
	putWide(b.x.refAt(*slot), uint64(len(b.items)-1)<<1|1)
}

func (b *Builder) values(dst []uint32, last int32) []uint32 {
	first := len(dst)
	for ; last >= 0; last = b.items[last].prev {
		dst = append(dst, b.items[last].value)
	}
	slices.Reverse(dst[first:])
	return dst
}

// Grow reserves memory for about n more names.
func (b *Builder) Grow(n int) {
	b.flush()
	nodes, inner, size := n+n/5, n/5, 14*n
	if b.added >= 1000 {
		rate := func(had, most int) int { return int(min(float64(had)/float64(b.added), float64(most)) * float64(n)) }
		nodes, inner, size = rate(b.used, 2), rate(len(b.x.nodes), 1), rate(len(b.x.arena), 32)
		size += 2 * inner * (bits.Len(uint(len(b.x.nodes)+inner))/7 - bits.Len(uint(len(b.x.nodes)))/7)
	}
	b.x.nodes = grow(&b.x, b.x.nodes, inner)
	b.x.arena = grow(&b.x, b.x.arena, size)
	if buckets := (b.used+nodes+nodes/32)/fill + 1; buckets > len(b.x.buckets) {
		b.rebuild(max(buckets, len(b.x.buckets)+len(b.x.buckets)/4))
	}
}

func (b *Builder) rebuild(buckets int) {
	free(&b.x, b.x.buckets)
	b.x.buckets = nil // frees the old buckets in the heap before the new buckets are made
	b.x.buckets = alloc[bucket](&b.x, buckets, buckets)
	hashes := make([]uint64, len(b.x.nodes))
	hashes[0] = b.x.key
	for i, off := range b.x.nodes[1:] {
		coop.Tick(i)
		r, _ := b.x.at(off)
		hashes[i+1] = r.hash(hashes[r.parent])
	}
	var room [2 * batch]entry
	some := room[:0]
	put := func() {
		for _, e := range some {
			b.touched ^= b.x.buckets[home(e.hash, buckets)].over // fetch all cache lines together, as in flush
		}
		for _, e := range some {
			insert(b.x.buckets, e.hash, e.place)
		}
		some = room[:0]
	}
	for off, r := range b.x.records() {
		if some = append(some, entry{r.hash(hashes[r.parent]), off}); len(some) == cap(some) {
			put()
		}
	}
	put()
	runtime.KeepAlive(b)
}

type entry struct {
	hash  uint64
	place uint32
}

// Freeze returns the finished index. Do not use the Builder afterwards. The function join combines
// several values of a name into one. The function mark selects the marked names (see Index.Marked).
func (b *Builder) Freeze(join func(values []uint32) uint32, mark func(ref uint32) bool) *Index {
	b.flush()
	b.fit()
	x := b.x
	var values []uint32
	for off, r := range x.records() {
		if r.flags&hasRef == 0 {
			continue
		}
		ref := uint32(r.ref >> 1)
		if r.ref&1 != 0 {
			values = b.values(values[:0], int32(ref))
			ref = join(values)
			putWide(x.refAt(off), uint64(ref)<<1|1)
		}
		x.names++
		x.topLevel = x.topLevel || r.parent == 0
		if mark(ref) {
			x.marked = push(&x, x.marked, off)
			x.markAbove(r.parent)
		}
	}
	x.sortMarked()
	*b = Builder{}
	return &x
}

func (b *Builder) fit() {
	x := &b.x
	if cap(x.nodes) > 2*len(x.nodes) {
		x.nodes = move(x, x.nodes, len(x.nodes))
	}
	full := fill*len(x.buckets) <= b.used+b.used/8+fill
	if b.dead > len(x.arena)/16 {
		arena := alloc[byte](x, 0, len(x.arena)-b.dead+maxRecord) // may set x.mem
		live := Index{arena: arena, nodes: x.nodes, mem: x.mem}
		for _, r := range x.records() {
			live.append(r)
		}
		free(x, x.arena)
		x.arena, full = live.arena, false
	} else if cap(x.arena)-len(x.arena) > len(x.arena)/16 {
		x.arena = move(x, x.arena, len(x.arena))
	}
	if !full {
		b.rebuild(b.used/fill + 1)
	}
}

func (x *Index) markAbove(number uint64) {
	for number != 0 {
		off := x.nodes[number]
		r, _ := x.at(off)
		if r.number&1 != 0 {
			return
		}
		at := x.refAt(off)
		if r.flags&hasRef != 0 {
			_, n := uvarint(at)
			at = at[n:]
		}
		at[0] |= 1
		number = r.parent
	}
}

func (x *Index) sortMarked() {
	if len(x.marked) == 0 {
		return
	}
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
