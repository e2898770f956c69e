package index

import (
	"bytes"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/dname"
)

func chain(labels int) *Index {
	label := bytes.Repeat([]byte("x"), dname.MaxLabel)
	x := &Index{key: 1, nodes: make([]uint32, 1), buckets: make([]bucket, 1), names: 1}
	h, parent := x.key, uint64(0)
	add := func(n node) {
		r := record{n, parent, label}
		h = r.hash(h)
		insert(x.buckets, h, x.append(r))
	}
	for i := range uint64(labels) {
		x.nodes = append(x.nodes, 0)
		add(node{flags: interior, number: (i + 1) << 1})
		parent = i + 1
	}
	add(node{flags: hasRef})
	return x
}

func TestFaults(t *testing.T) {
	if err := chain(2).Check(); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		want string
		edit func(x *Index) *Index
	}{
		{"no root", func(x *Index) *Index { x.nodes = nil; return x }},
		{"no root", func(x *Index) *Index { x.buckets = nil; return x }},
		{"all buckets are full", func(x *Index) *Index {
			for i := range x.buckets {
				x.buckets[i].over = 1<<32 - 1
			}
			return x
		}},
		{"wrong counts", func(x *Index) *Index { x.names++; return x }},
		{"wrong counts", func(x *Index) *Index { x.topLevel = !x.topLevel; return x }},
		{"wrong counts", func(x *Index) *Index { // one record is in two slots
			insert(x.buckets, 12345, x.nodes[1])
			return x
		}},
		{"a record that no look-up finds", func(x *Index) *Index { x.key++; return x }},
		{"a wrong interior node", func(x *Index) *Index { x.nodes[1], x.nodes[2] = x.nodes[2], x.nodes[1]; return x }},
		{"a wrong interior node", func(x *Index) *Index { // the parent has a greater number than the child
			x.arena[x.nodes[1]] = 2
			return x
		}},
		{"a wrong interior node", func(*Index) *Index { return chain(4) }},
		{"a wrong label", func(*Index) *Index { return chain(3) }},
		{"a wrong interior record", func(x *Index) *Index {
			r, next := x.at(x.nodes[1])
			if r.number >= 0x80 {
				panic("the number takes two bytes")
			}
			x.arena[next-1] ^= 1 // flips the bit "a marked name is below"
			return x
		}},
		{"marked names out of sequence", func(x *Index) *Index { x.marked[0], x.marked[1] = x.marked[1], x.marked[0]; return x }},
		{"marked names out of sequence", func(x *Index) *Index { x.marked = append(x.marked[:1:1], x.marked...); return x }},
		{"a marked record without a name", func(x *Index) *Index {
			for off, r := range x.records() {
				if r.flags&hasRef == 0 {
					x.marked[0] = off
				}
			}
			return x
		}},
		{"out of range", func(x *Index) *Index { x.marked[0] = 1 << 30; return x }},
		{"out of range", func(x *Index) *Index { x.nodes[1] = 1 << 30; return x }},
		{"out of range", func(x *Index) *Index { x.arena = x.arena[:len(x.arena)-1]; return x }},
	} {
		x := some(t, 40)
		if len(x.marked) < 2 {
			t.Fatal("no marked names")
		}
		if err := tc.edit(x).Check(); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("error %v, want %q", err, tc.want)
		}
	}
}

func TestEnds(t *testing.T) {
	x := some(t, 100)
	for i := range x.buckets {
		x.buckets[i].over = 1 << 31
	}
	if _, err := read(written(t, x)); err == nil {
		t.Error("an index whose buckets are all full is accepted")
	}

	one := []byte{0, hasRef | 5, 'f', 'i', 'r', 's', 't', 2}
	x = &Index{buckets: make([]bucket, 1), nodes: make([]uint32, 1), arena: append(append(one, one[:7]...), bytes.Repeat([]byte{0xff}, 20)...)}
	if err := x.Check(); err == nil {
		t.Error("a record that leads back is accepted")
	}

	x = some(t, 100)
	r, off := record{}, uint32(0)
	for off, r = range x.records() {
		if r.flags&interior != 0 && r.parent == 0 {
			break
		}
	}
	x.arena[off] = byte(r.number >> 1) // the node is its own parent
	if err := x.Check(); err == nil {
		t.Error("a node that is its own ancestor is accepted")
	}
	defer func() {
		if recover() == nil {
			t.Error("a name without an end was made")
		}
	}()
	var w dname.Wire
	r, _ = x.at(off)
	x.setName(&w, r)
}
