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

// record is a decoded record. One without flags is dead: its node has another one.
type record struct {
	node
	parent uint64
	label  []byte
}

// node is what a look-up needs of a record.
type node struct {
	flags uint8
	// ref is shifted left; bit 0: several values were added to the name, and five
	// octets are taken.
	ref uint64
	// number is that of an interior node, shifted left; bit 0: something marked lies
	// below it.
	number uint64
}

// hash returns the hash of the record's name from that of its parent's.
func (r record) hash(parent uint64) uint64 {
	buf := [dname.MaxLabel + 2]byte{byte(len(r.label))}
	var w dname.Wire
	w.SetWire(buf[:1+copy(buf[1:], r.label)+1])
	return w.Hash(1, parent)
}

// at decodes the record at off and returns where the next one begins.
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
	return r, off + uint32(n+1+l+size)
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
		n.ref, size = uvarint(b)
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

// append writes a record behind the others and returns where it begins.
func (x *Index) append(r record) uint32 {
	off := uint32(len(x.arena))
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

// wideRef is the size of a ref that may change.
const wideRef = 5

// putWide writes v as a varint of wideRef octets, whatever its size.
func putWide(b []byte, v uint64) {
	for i := range wideRef {
		b[i] = byte(v>>(7*i)) | 0x80
	}
	b[wideRef-1] &^= 0x80
}

// refAt returns where the ref of the record at off stands.
func (x *Index) refAt(off uint32) []byte {
	_, n := uvarint(x.arena[off:])
	off += uint32(n)
	return x.arena[off+1+uint32(x.arena[off]&lenMask):]
}

// kill makes the record at off dead and returns its size: its label says how much
// is to be skipped.
func (x *Index) kill(off uint32) int {
	_, next := x.at(off)
	_, n := uvarint(x.arena[off:])
	b := x.arena[off+uint32(n) : next]
	b[0], b[1] = 0, byte(len(b)-2)
	return int(next - off)
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

// setName puts the name of a record together in w.
func (x *Index) setName(w *dname.Wire, r record) {
	var buf [dname.MaxWire]byte
	w.SetWire(x.appendName(buf[:0], r))
}
