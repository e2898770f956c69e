package dname

import "bytes"

// A Wire is a name in wire form with its own buffer, so a handler can keep it on the stack. The
// zero Wire is not a valid name.
type Wire struct {
	// The functions in words.go read eight octets at once, so this buffer has eight extra octets.
	buf    [MaxWire + 8]byte
	off    [MaxLabels]uint8
	n      uint8 // length of the wire form in octets, with the final 0
	labels uint8
}

// Set sets w to a name in the presentation form of miekg/dns. The form has the escapes `\.` and
// `\DDD`, so a label may contain any octet. If the result is false, w is not usable.
func (w *Wire) Set(s string) bool { return w.setPlain(s) || w.setAny(s) }

func (w *Wire) setAny(s string) bool {
	w.n, w.labels = 0, 0
	if s == "." {
		w.buf[0], w.n = 0, 1
		return true
	}
	if s == "" {
		return false
	}
	n, start := 1, 0 // n is the next free octet; start is the offset of the current label's length octet
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '.' {
			if !w.endLabel(start, n) {
				return false
			}
			start, n = n, n+1
			continue
		}
		if c == '\\' {
			i++
			switch {
			case i >= len(s):
				return false
			case i+2 < len(s) && digit(s[i]) && digit(s[i+1]) && digit(s[i+2]):
				v := int(s[i]-'0')*100 + int(s[i+1]-'0')*10 + int(s[i+2]-'0')
				if v > 255 {
					return false
				}
				c, i = byte(v), i+2
			default:
				c = s[i]
			}
		}
		// One octet must remain for the final 0.
		if n >= MaxWire-1 {
			return false
		}
		w.buf[n] = lower(c)
		n++
	}
	if n-start > 1 { // there is no trailing dot
		if !w.endLabel(start, n) {
			return false
		}
		start = n
	}
	w.buf[start] = 0
	w.n = uint8(start + 1)
	return true
}

func (w *Wire) endLabel(start, n int) bool {
	l := n - start - 1
	if l < 1 || l > MaxLabel || n > MaxWire-1 || int(w.labels) == MaxLabels {
		return false
	}
	w.buf[start] = byte(l)
	w.off[w.labels] = uint8(start)
	w.labels++
	return true
}

// SetHost sets w to an ASCII host name without an allocation. It refuses a name with a final digit.
// If the result is false, w is not usable.
func (w *Wire) SetHost(s []byte) bool {
	wire, ok := parsePlain((*[MaxWire]byte)(w.buf[:]), s)
	if ok {
		w.n = uint8(len(wire))
		w.findLabels()
	}
	return ok
}

// SetName copies n to w. The zero Name is not allowed.
func (w *Wire) SetName(n Name) {
	w.n = uint8(copy(w.buf[:], n.wire))
	w.labels = uint8(offsets(n.wire, &w.off))
}

func (w *Wire) Len() int { return int(w.n) }

// NumLabels returns the number of labels, 0 for the root.
func (w *Wire) NumLabels() int { return int(w.labels) }

// Suffix returns the wire form of the last k labels. The result shares the memory of w.
func (w *Wire) Suffix(k int) []byte {
	if k <= 0 {
		return w.buf[w.n-1 : w.n]
	}
	return w.buf[w.off[int(w.labels)-k]:w.n]
}

// Label returns the k-th label from the right without its length octet. The result shares the
// memory of w.
func (w *Wire) Label(k int) []byte {
	o := int(w.off[int(w.labels)-k])
	return w.buf[o+1 : o+1+int(w.buf[o])]
}

// Ancestor returns a copy of Suffix(k) as a Name.
func (w *Wire) Ancestor(k int) Name { return Name{string(w.Suffix(k))} }

// Name returns a copy of the name.
func (w *Wire) Name() Name { return w.Ancestor(int(w.labels)) }

func digit(c byte) bool { return '0' <= c && c <= '9' }

// SetWire copies the canonical wire form b to w without a check.
func (w *Wire) SetWire(b []byte) {
	w.n = uint8(copy(w.buf[:], b))
	w.findLabels()
}

func (w *Wire) findLabels() {
	w.labels = 0
	for i := 0; w.buf[i] != 0; i += int(w.buf[i]) + 1 {
		w.off[w.labels] = uint8(i)
		w.labels++
	}
}

// Compare compares two names in canonical order (RFC 4034, section 6.1).
func (w *Wire) Compare(v *Wire) int {
	for k := 1; k <= int(min(w.labels, v.labels)); k++ {
		if c := bytes.Compare(w.Label(k), v.Label(k)); c != 0 {
			return c
		}
	}
	return int(w.labels) - int(v.labels)
}

// Equal reports whether w and v are the same name.
func (w *Wire) Equal(v *Wire) bool { return bytes.Equal(w.buf[:w.n], v.buf[:v.n]) }

// Covers reports whether v equals w or is below w.
func (w *Wire) Covers(v *Wire) bool {
	return v.labels >= w.labels && bytes.Equal(v.Suffix(int(w.labels)), w.Suffix(int(w.labels)))
}
