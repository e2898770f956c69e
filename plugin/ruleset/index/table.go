package index

import (
	"encoding/binary"
	"math/bits"
)

const (
	slots = 12 // per bucket
	// fill is the average number of used slots in a bucket. Some third of the buckets overflow
	// then, but because of over, nearly all look-ups of absent names read only one bucket.
	fill = 11
)

// A bucket is one cache line. A tag of 0 marks a free slot. Slots are filled from the left.
type bucket struct {
	tags [slots]uint8
	// over is a bit set of the names that did not fit into this bucket and are in a later one
	// (see overOf). If the bit of a name is not set, the name is not in a later bucket.
	over uint32
	offs [slots]uint32
}

// home returns the bucket in which the look-up of a hash begins. home, tagOf and overOf use
// different bits of the hash.
func home(h uint64, buckets int) int {
	hi, _ := bits.Mul64(h, uint64(buckets))
	return int(hi)
}

func tagOf(h uint64) uint8 { return max(uint8(h), 1) }

func overOf(h uint64) uint32 { return 1 << (h >> 8 & 31) }

// insert writes the offset of a record into the first free slot, starting at the home bucket
// of its hash. There must be a free slot.
func insert(buckets []bucket, h uint64, place uint32) {
	for i := home(h, len(buckets)); ; {
		b := &buckets[i]
		if b.tags[slots-1] == 0 {
			slot := bits.TrailingZeros16(b.match(0))
			b.tags[slot], b.offs[slot] = tagOf(h), place
			return
		}
		b.over |= overOf(h)
		if i++; i == len(buckets) {
			i = 0
		}
	}
}

// match returns the slots whose tag is t, as a bit set. A slot to the right of a match may be
// in the result although its tag differs. The caller therefore verifies the record.
func (b *bucket) match(t uint8) uint16 {
	tag := ones * uint64(t)
	return zeros(binary.LittleEndian.Uint64(b.tags[:])^tag) |
		zeros(uint64(binary.LittleEndian.Uint32(b.tags[8:]))^tag)&0xf<<8 // the upper half is not tags
}

// ones has the value 1 in each byte.
const ones = 0x0101010101010101

// zeros returns a bit set of the bytes of x that are 0. The subtraction borrows at these
// bytes, and the multiplication collects their top bits in the highest byte.
func zeros(x uint64) uint16 {
	return uint16((x - ones) &^ x & (ones << 7) >> 7 * 0x0102040810204080 >> 56)
}
