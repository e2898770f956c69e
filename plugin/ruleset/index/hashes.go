package index

import (
	"encoding/binary"
	"iter"
	"math/bits"

	"github.com/dns-orders/blocklist/plugin/dname"
)

// Hashes yields the hash and the value of each name with a value. With the same key, a name has the
// same hash in all indexes.
func (x *Index) Hashes(key uint64) iter.Seq2[uint64, uint32] {
	return func(yield func(uint64, uint32) bool) {
		if x == nil {
			return
		}
		parents := parentHashes{x: x, key: key}
		for _, r := range x.records() {
			if r.flags&hasRef != 0 && !yield(hashLabel(r.label, parents.of(r.parent, 0)), uint32(r.ref>>1)) {
				return
			}
		}
	}
}

type parentHashes struct {
	x     *Index
	key   uint64
	known [1024]struct{ number, hash uint64 }
}

func (p *parentHashes) of(number uint64, depth int) uint64 {
	if number == 0 {
		return p.key
	}
	if depth > dname.MaxWire {
		panic(errDamaged) // the node is its own ancestor
	}
	k := &p.known[number%uint64(len(p.known))]
	if k.number != number {
		r, _ := p.x.at(p.x.nodes[number])
		k.number, k.hash = number, hashLabel(r.label, p.of(r.parent, depth+1))
	}
	return k.hash
}

func hashLabel(label []byte, parent uint64) uint64 {
	h := parent ^ uint64(len(label))
	for ; len(label) > 8; label = label[8:] {
		h = mix(h ^ binary.LittleEndian.Uint64(label))
	}
	var rest [8]byte
	copy(rest[:], label)
	return mix(h ^ binary.LittleEndian.Uint64(rest[:]))
}

func mix(x uint64) uint64 {
	hi, lo := bits.Mul64(x, 0x9e3779b97f4a7c15)
	return hi ^ lo
}
