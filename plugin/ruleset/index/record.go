package index

import (
	"encoding/binary"

	"github.com/dns-orders/blocklist/plugin/dname"
)

const (
	hasRef   = 0x40
	interior = 0x80
	lenMask  = 0x3f
)

type record struct {
	node
	parent uint64
	label  []byte
}

type node struct {
	flags uint8
	// This is the value of the name, shifted left by one. Bit 0 is set if the name has several
	// values.
	ref uint64
	// This is the number of an interior node, shifted left by one. Bit 0 is set if a marked name is
	// below the node.
	number uint64
}

func (r record) hash(parent uint64) uint64 {
	buf := [dname.MaxLabel + 2]byte{byte(len(r.label))}
	var w dname.Wire
	w.SetWire(buf[:1+copy(buf[1:], r.label)+1])
	return w.Hash(1, parent)
}

func (x *Index) at(off uint32) (r record, next uint32) {
	b := x.arena[off:]
	v, n := uvarint(b)
	if b[n] == 0 {
		return record{}, off + uint32(n+2) + uint32(b[n+1])
	}
	r.parent = v
	l := int(b[n] & lenMask)
	r.label = b[n+1 : n+1+l]
	var size int
	r.node, size = tail(b[n], b[n+1+l:])
	if next = off + uint32(n+1+l+size); next <= off {
		panic(errDamaged) // otherwise a loop over the records would not end
	}
	return r, next
}

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

func tail(head uint8, b []byte) (n node, size int) {
	n.flags = head &^ lenMask
	if head&hasRef != 0 {
		n.ref, size = uvarint(b)
	}
	if head&interior != 0 {
		v, k := uvarint(b[size:])
		n.number = v
		size += k
	}
	return n, size
}

// uvarint has a fast path for one byte. The compiler does not inline binary.Uvarint.
func uvarint(b []byte) (uint64, int) {
	if b[0] < 0x80 {
		return uint64(b[0]), 1
	}
	return binary.Uvarint(b)
}

const maxRecord = 3*binary.MaxVarintLen64 + 1 + dname.MaxLabel

func (x *Index) append(r record) uint32 {
	off := uint32(len(x.arena))
	if cap(x.arena)-len(x.arena) < maxRecord {
		x.arena = grow(x, x.arena, max(maxRecord, more(len(x.arena))))
	}
	x.arena = binary.AppendUvarint(x.arena, r.parent)
	x.arena = append(append(x.arena, r.flags|byte(len(r.label))), r.label...)
	switch {
	case r.flags&hasRef == 0:
	case r.ref&1 != 0:
		x.arena = append(x.arena, make([]byte, wideRef)...)
		putWide(x.arena[len(x.arena)-wideRef:], r.ref)
	default:
		x.arena = binary.AppendUvarint(x.arena, r.ref)
	}
	if r.flags&interior != 0 {
		x.arena = binary.AppendUvarint(x.arena, r.number)
		x.nodes[r.number>>1] = off
	}
	return off
}

// wideRef is the size of a ref for several values. The size is fixed, so a new ref can overwrite
// the old ref.
const wideRef = 5

func putWide(b []byte, v uint64) {
	for i := range wideRef {
		b[i] = byte(v>>(7*i)) | 0x80
	}
	b[wideRef-1] &^= 0x80
}

func (x *Index) refAt(off uint32) []byte {
	_, n := uvarint(x.arena[off:])
	off += uint32(n)
	return x.arena[off+1+uint32(x.arena[off]&lenMask):]
}

func (x *Index) kill(off uint32) int {
	_, next := x.at(off)
	_, n := uvarint(x.arena[off:])
	b := x.arena[off+uint32(n) : next]
	b[0], b[1] = 0, byte(len(b)-2)
	return int(next - off)
}

func (x *Index) appendName(dst []byte, r record) []byte {
	for {
		dst = append(dst, byte(len(r.label)))
		dst = append(dst, r.label...)
		if r.parent == 0 {
			return append(dst, 0)
		}
		if len(dst) > 2*dname.MaxWire {
			panic(errDamaged) // the record is its own ancestor
		}
		r, _ = x.at(x.nodes[r.parent])
	}
}

// setName sets w to the name of a record.
func (x *Index) setName(w *dname.Wire, r record) {
	var buf [dname.MaxWire]byte
	w.SetWire(x.appendName(buf[:0], r))
}
