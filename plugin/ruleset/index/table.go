package index

import (
	"encoding/binary"
	"math/bits"
)

const (
	slots = 12 // the number of slots in a bucket
	// fill is the average number of used slots in a bucket. About a third of the buckets
	// then overflow. A second read is still rare, because of the field over.
	fill = 11
)

// A bucket is a part of the hash table. It fits in one cache line. A slot with the tag 0
// is free. The slots are filled from the left.
type bucket struct {
	tags [slots]uint8
	// over is a bit set of the names that found no room in this bucket (see overOf). Their
	// look-up reads the next bucket too.
	over uint32
	offs [slots]uint32
}

// home returns the index of the first bucket for a hash. It uses other bits of the hash
// than tagOf and overOf.
func home(h uint64, buckets int) int {
	hi, _ := bits.Mul64(h, uint64(buckets))
	return int(hi)
}

func tagOf(h uint64) uint8 { return max(uint8(h), 1) }

func overOf(h uint64) uint32 { return 1 << (h >> 8 & 31) }

// insert writes the offset of a record into the first free slot, from the home bucket on.
// The table must have a free slot.
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

// match returns a bit set of the slots with the tag t. The result can have other slots
// too, so the caller must compare the record.
func (b *bucket) match(t uint8) uint16 {
	tag := ones * uint64(t)
	return zeros(binary.LittleEndian.Uint64(b.tags[:])^tag) |
		zeros(uint64(binary.LittleEndian.Uint32(b.tags[8:]))^tag)&0xf<<8 // only the lower 4 of these 8 bytes are tags
}

// ones has the value 1 in each byte.
const ones = 0x0101010101010101

// zeros returns a bit set of the zero bytes of x.
func zeros(x uint64) uint16 {
	return uint16((x - ones) &^ x & (ones << 7) >> 7 * 0x0102040810204080 >> 56)
}
