package dname

import (
	"encoding/binary"
	"math/bits"
)

// The functions in this file process eight octets of a name at once. A loop over octets is slower,
// because the CPU cannot predict its branches.

const (
	ones  = 0x0101010101010101 // each octet is 1
	lows  = 0x7f * ones
	highs = 0x80 * ones
)

func (w *Wire) setPlain(s string) bool {
	n := len(s)
	if n < 8 || n > 63 {
		return false
	}
	var dots, escapes uint64
	for i := 0; ; i = min(i+8, n-8) { // the last eight octets may overlap the eight octets before
		v := word(s, i)
		binary.LittleEndian.PutUint64(w.buf[1+i:], lower8(v))
		dots |= gather(zeros(v^'.'*ones)) << uint(i)
		escapes |= zeros(v ^ '\\'*ones)
		if i == n-8 {
			break
		}
	}
	if s[n-1] != '.' {
		dots |= 1 << n
	}
	if escapes != 0 || dots&(dots<<1|1) != 0 { // the text has an escape or an empty label
		return false
	}
	start, labels := 0, uint8(0)
	for ; dots != 0; dots &= dots - 1 {
		dot := bits.TrailingZeros64(dots)
		w.buf[start] = byte(dot - start)
		w.off[labels] = uint8(start)
		start = dot + 1
		labels++
	}
	w.buf[start] = 0
	w.n, w.labels = uint8(start+1), labels
	return true
}

// Hash returns a hash of Suffix(k), for k > 0. The argument parent is the hash of Suffix(k-1). For
// k = 1, parent is a secret key. The key prevents attacks with equal hashes.
func (w *Wire) Hash(k int, parent uint64) uint64 {
	i := int(w.off[int(w.labels)-k])
	end, h := i+1+int(w.buf[i]), parent
	for ; end-i > 8; i += 8 {
		h = mix(h ^ binary.LittleEndian.Uint64(w.buf[i:]))
	}
	// Remove the octets after the label.
	return mix(h ^ binary.LittleEndian.Uint64(w.buf[i:])<<(8*(8-(end-i))&63))
}

func mix(x uint64) uint64 {
	hi, lo := bits.Mul64(x, 0x9e3779b97f4a7c15)
	return hi ^ lo
}

// The compiler turns this function into one load instruction.
func word(s string, i int) uint64 {
	s = s[i : i+8]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// The result has 0x80 in each octet that is 0 in x.
func zeros(x uint64) uint64 { return ^(x&lows + lows | x | lows) }

// The function collects the top bits of all octets in the lowest eight bits.
func gather(x uint64) uint64 { return x >> 7 * 0x0102040810204080 >> 56 }

func lower8(x uint64) uint64 {
	low := x & lows
	atLeastA, beyondZ := low+(0x80-'A')*ones, low+(0x7f-'Z')*ones
	return x | (atLeastA&^beyondZ&^x&highs)>>2
}
