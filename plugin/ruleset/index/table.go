package index

import (
	"encoding/binary"
	"math/bits"
)

const (
	slots = 12 // the number of slots in a bucket
	// This is the average number of used slots in a bucket. A look-up rarely reads a second bucket.
	fill = 11
)

// A bucket has the size of a cache line. A slot with the tag 0 is free. Slots are filled from the
// left.
type bucket struct {
	tags [slots]uint8
	over uint32
	offs [slots]uint32
}

// This function must not use the bits of the hash that tagOf and overOf use.
func home(h uint64, buckets int) int {
	hi, _ := bits.Mul64(h, uint64(buckets))
	return int(hi)
}

func tagOf(h uint64) uint8 { return max(uint8(h), 1) }

func overOf(h uint64) uint32 { return 1 << (h >> 8 & 31) }

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

// The result may contain wrong slots too, so the caller must compare the records.
func (b *bucket) match(t uint8) uint16 {
	tag := ones * uint64(t)
	return zeros(binary.LittleEndian.Uint64(b.tags[:])^tag) |
		zeros(uint64(binary.LittleEndian.Uint32(b.tags[8:]))^tag)&0xf<<8 // only the lower 4 of these 8 bytes are tags
}

// ones has the value 1 in each byte.
const ones = 0x0101010101010101

func zeros(x uint64) uint16 {
	return uint16((x - ones) &^ x & (ones << 7) >> 7 * 0x0102040810204080 >> 56)
}
