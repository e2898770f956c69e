package register

import (
	"hash/maphash"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

// A register may have a million groups, so their memory counts. A group and its entries are much
// smaller than the order that they become.

// A group has the entries of one order.
type group struct {
	text   string // the key and the id
	idAt   int32  // the index of the id in text
	merged bool   // the previous output has the order
	base   *base
	issued order.Time
	// first and last are the indexes of the first and the last entry, or -1.
	first, last int32
}

func (g *group) key() string { return g.text[:g.idAt] }

func (g *group) id() string { return g.text[g.idAt:] }

// A smallEntry is an entry that needs less memory.
type smallEntry struct {
	text  string      // the name in wire form, or the URL
	attr  *order.Attr // nil for a name without attributes and for a URL alone
	until order.Time
	next  int32 // the index of the next entry of the group, or -1
	kind  order.TargetKind
	match order.Match
	state state
}

func (r *run) addEntry(g *group, e entry) {
	small := smallEntry{attr: e.target.Attr, until: e.until, next: -1, kind: e.target.Kind, match: e.target.Match, state: e.state}
	switch {
	case small.kind == order.TargetName:
		small.text = e.target.Name.Wire()
	case small.kind == order.TargetURL && onlyURL(small.attr):
		small.text, small.attr = small.attr.URL, nil
	}
	at := int32(r.small.n)
	if r.small.add(small); g.last < 0 {
		g.first = at
	} else {
		r.small.at(int(g.last)).next = at
	}
	g.last = at
}

// onlyURL reports whether all attributes except the URL have their default values.
func onlyURL(a *order.Attr) bool {
	return !a.Address.IsValid() && a.EnforcedBy == order.ByNetwork && a.From == order.NoTime && a.Until == order.NoTime && a.Windows == nil && a.Except == nil &&
		a.Status == order.Active && a.Served == order.NoTime && a.Deadline == order.NoTime && a.Acknowledged == order.NoTime && a.Reported == order.NoTime && a.References == nil && a.Note == ""
}

func (e *smallEntry) target() order.Target {
	t := order.Target{Kind: e.kind, Match: e.match, Attr: e.attr}
	switch {
	case e.kind == order.TargetName:
		t.Name = dname.FromWire(e.text)
	case e.attr == nil:
		t.Attr = order.NewAttr()
		t.Attr.URL = e.text
	}
	return t
}

// entriesOf appends the entries of a group to dst.
func (r *run) entriesOf(dst []entry, g *group) []entry {
	for i := g.first; i >= 0; {
		e := r.small.at(int(i))
		dst = append(dst, entry{e.target(), e.until, e.state})
		i = e.next
	}
	return dst
}

// blocks is a list that grows without a copy of its elements, so pointers to elements stay valid.
type blocks[T any] struct {
	list [][]T
	n    int
}

const blockSize = 1 << 10

func (b *blocks[T]) add(v T) *T {
	if b.n%blockSize == 0 {
		b.list = append(b.list, make([]T, 0, blockSize))
	}
	last := &b.list[len(b.list)-1]
	*last = append(*last, v)
	b.n++
	return &(*last)[len(*last)-1]
}

func (b *blocks[T]) at(i int) *T { return &b.list[i/blockSize][i%blockSize] }

// A groupIndex finds groups by a text. It is a hash table with open addressing, at most three
// quarters full.
type groupIndex struct {
	seed  maphash.Seed
	slots []groupSlot
	n     int
}

type groupSlot struct {
	hash  uint32
	group *group // nil in a free slot
}

func newGroupIndex() groupIndex {
	return groupIndex{seed: maphash.MakeSeed(), slots: make([]groupSlot, 16)}
}

func (x *groupIndex) hash(text []byte) uint32 { return uint32(maphash.Bytes(x.seed, text)) }

func (x *groupIndex) find(hash uint32, equal func(*group) bool) *group {
	mask := uint32(len(x.slots) - 1)
	for i := hash & mask; x.slots[i].group != nil; i = (i + 1) & mask {
		if s := &x.slots[i]; s.hash == hash && equal(s.group) {
			return s.group
		}
	}
	return nil
}

func (x *groupIndex) add(hash uint32, g *group) {
	if x.n++; 4*x.n > 3*len(x.slots) {
		old := x.slots
		x.slots = make([]groupSlot, 2*len(old))
		for _, s := range old {
			if s.group != nil {
				x.place(s)
			}
		}
	}
	x.place(groupSlot{hash, g})
}

func (x *groupIndex) place(s groupSlot) {
	mask := uint32(len(x.slots) - 1)
	i := s.hash & mask
	for x.slots[i].group != nil {
		i = (i + 1) & mask
	}
	x.slots[i] = s
}

// groupOf returns the group with an id, or nil.
func (r *run) groupOf(id string) *group {
	return r.byID.find(uint32(maphash.String(r.byID.seed, id)), func(g *group) bool { return g.id() == id })
}
