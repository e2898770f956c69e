package dname

import "bytes"

// Wire is a name taken from a DNS message, canonical like Name, in a buffer of
// its own: a handler keeps one on its stack and no query allocates. The zero
// Wire is empty; Set it before use.
type Wire struct {
	// Eight octets may be read or written at any octet of the name.
	buf    [MaxWire + 8]byte
	off    [MaxLabels]uint8
	n      uint8 // octets used, the final 0 included
	labels uint8
}

// Set reads a name in presentation form as miekg/dns unpacks it: labels parted
// by dots, `\.` and `\DDD` escapes, with or without the trailing dot. It
// reports whether the name is one that DNS can carry; on false w is unusable.
// Any octet is allowed in a label, unlike in Parse: a query may ask anything.
func (w *Wire) Set(s string) bool { return w.setPlain(s) || w.setAny(s) }

// setAny is Set, octet by octet.
func (w *Wire) setAny(s string) bool {
	w.n, w.labels = 0, 0
	if s == "." {
		w.buf[0], w.n = 0, 1
		return true
	}
	if s == "" {
		return false
	}
	n, start := 1, 0 // next free octet; where the current label's length stands
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
		// One octet must stay free for the root's 0.
		if n >= MaxWire-1 {
			return false
		}
		w.buf[n] = lower(c)
		n++
	}
	if n-start > 1 { // no trailing dot
		if !w.endLabel(start, n) {
			return false
		}
		start = n
	}
	w.buf[start] = 0
	w.n = uint8(start + 1)
	return true
}

// endLabel writes the length of the label that began at start and ends before
// n, and reports whether it is one.
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

// SetHost reads what Parse reads of nearly all names of long lists, ASCII host names,
// without allocating. On false, which may also mean that it does not know, w is
// unusable.
func (w *Wire) SetHost(s []byte) bool {
	wire, ok := parsePlain((*[MaxWire]byte)(w.buf[:]), s)
	if ok {
		w.n = uint8(len(wire))
		w.findLabels()
	}
	return ok
}

// SetName copies n, which must not be the zero Name.
func (w *Wire) SetName(n Name) {
	w.n = uint8(copy(w.buf[:], n.wire))
	w.labels = uint8(offsets(n.wire, &w.off))
}

// Len returns the octets of the wire form.
func (w *Wire) Len() int { return int(w.n) }

// NumLabels returns the number of labels; the root has none.
func (w *Wire) NumLabels() int { return int(w.labels) }

// Suffix returns the wire form of the ancestor with the last k labels, the name
// itself for k = NumLabels. The bytes belong to w.
func (w *Wire) Suffix(k int) []byte {
	if k <= 0 {
		return w.buf[w.n-1 : w.n]
	}
	return w.buf[w.off[int(w.labels)-k]:w.n]
}

// Label returns the label that Suffix(k) starts with, without its length octet;
// k is 1 for the top-level label. The bytes belong to w.
func (w *Wire) Label(k int) []byte {
	o := int(w.off[int(w.labels)-k])
	return w.buf[o+1 : o+1+int(w.buf[o])]
}

// Ancestor returns Suffix(k) as a Name of its own.
func (w *Wire) Ancestor(k int) Name { return Name{string(w.Suffix(k))} }

// Name returns the whole name as a Name of its own.
func (w *Wire) Name() Name { return w.Ancestor(int(w.labels)) }

func digit(c byte) bool { return '0' <= c && c <= '9' }

// SetWire copies the canonical wire form b, which is not checked.
func (w *Wire) SetWire(b []byte) {
	w.n = uint8(copy(w.buf[:], b))
	w.findLabels()
}

// findLabels notes where the labels of the wire form in the buffer begin.
func (w *Wire) findLabels() {
	w.labels = 0
	for i := 0; w.buf[i] != 0; i += int(w.buf[i]) + 1 {
		w.off[w.labels] = uint8(i)
		w.labels++
	}
}

// Compare orders names canonically, as Name.Compare does.
func (w *Wire) Compare(v *Wire) int {
	for k := 1; k <= int(min(w.labels, v.labels)); k++ {
		if c := bytes.Compare(w.Label(k), v.Label(k)); c != 0 {
			return c
		}
	}
	return int(w.labels) - int(v.labels)
}

// Equal reports whether v is w.
func (w *Wire) Equal(v *Wire) bool { return bytes.Equal(w.buf[:w.n], v.buf[:v.n]) }

// Covers reports whether v is w or lies below it.
func (w *Wire) Covers(v *Wire) bool {
	return v.labels >= w.labels && bytes.Equal(v.Suffix(int(w.labels)), w.Suffix(int(w.labels)))
}
