package index

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
)

const (
	slots = 12 // per bucket
	// fill is how full the buckets are made on average. Some third of them overflow
	// then, but a name that is not there is looked for in one bucket all the same: over.
	fill = 11
)

// bucket is one cache line. A tag of 0 marks a free slot; slots fill from the left.
type bucket struct {
	tags [slots]uint8
	// over has a bit for each name that found the bucket full and went on to a later
	// one: without it, that name is not there.
	over uint32
	offs [slots]uint32
}

// home, tagOf and overOf use different ends of the hash.
func home(h uint64, buckets int) int {
	hi, _ := bits.Mul64(h, uint64(buckets))
	return int(hi)
}

func tagOf(h uint64) uint8 { return max(uint8(h), 1) }

func overOf(h uint64) uint32 { return 1 << (h >> 8 & 31) }

// key is new in each process, so that no list can be made to collide.
var key = rand.Uint64()

// insert puts the place of a record into the first free slot from its hash's home on, of
// which there must be one.
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

// match returns the slots whose tag is t as bits. A slot to the right of a match
// may be among them without having the tag; what it leads to tells.
func (b *bucket) match(t uint8) uint16 {
	tag := ones * uint64(t)
	return zeros(binary.LittleEndian.Uint64(b.tags[:])^tag) |
		zeros(uint64(binary.LittleEndian.Uint32(b.tags[8:]))^tag)&0xf<<8 // the upper half is not tags
}

// ones has every octet 1.
const ones = 0x0101010101010101

// zeros returns which octets of x are 0, as bits: the octets borrow in the
// subtraction, and the product gathers their top bits in the highest octet.
func zeros(x uint64) uint16 {
	return uint16((x - ones) &^ x & (ones << 7) >> 7 * 0x0102040810204080 >> 56)
}
