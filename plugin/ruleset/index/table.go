package index

import (
	"encoding/binary"
	"math/bits"
)

const (
	slots = 12 // the number of slots in a bucket
	// fill is the average number of used slots in a bucket. About a third of the buckets have too
	// few slots for their names. A look-up still rarely reads a second bucket, because of the field
	// over.
	fill = 11
)

// A bucket is a part of the hash table with the size of a cache line. A slot with the tag 0 is
// free. Slots are filled from the left.
type bucket struct {
	tags [slots]uint8
	// over is a bit set. Each name that found no free slot in this bucket sets a bit (see overOf).
	// If the bit of a name is set, a look-up of the name also reads the next bucket.
	over uint32
	offs [slots]uint32
}

// home returns the index of the bucket in which the search for a hash begins. It uses other bits of
// the hash than tagOf and overOf.
func home(h uint64, buckets int) int {
	hi, _ := bits.Mul64(h, uint64(buckets))
	return int(hi)
}

func tagOf(h uint64) uint8 { return max(uint8(h), 1) }

func overOf(h uint64) uint32 { return 1 << (h >> 8 & 31) }

// insert writes the offset of a record into the first free slot. The search begins at the home
// bucket. The table must have a free slot.
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

// match returns a bit set of the slots with the tag t. The bit set may also contain other slots, so
// the caller must compare the records.
func (b *bucket) match(t uint8) uint16 {
	tag := ones * uint64(t)
	return zeros(binary.LittleEndian.Uint64(b.tags[:])^tag) |
		zeros(uint64(binary.LittleEndian.Uint32(b.tags[8:]))^tag)&0xf<<8 // only the lower 4 of these 8 bytes are tags
}

// ones has the value 1 in each byte.
const ones = 0x0101010101010101

// zeros returns a bit set of the zero bytes of x. If a byte with the value 1 follows a zero byte,
// the bit set contains the byte too.
func zeros(x uint64) uint16 {
	return uint16((x - ones) &^ x & (ones << 7) >> 7 * 0x0102040810204080 >> 56)
}
