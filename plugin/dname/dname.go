// Package dname holds domain names in one canonical form, so that no other
// package ever compares spellings.
//
// A [Name] comes from an order and is parsed strictly: what cannot be a host
// name is refused with the reason. A [Wire] comes from a query and is read
// totally: every name that DNS can carry is accepted, without allocating.
// Both hold the same bytes, the uncompressed wire form of RFC 1035, section
// 3.1, with ASCII letters lowered (RFC 4343): length octet, label, ..., 0.
// In that form "a\.b.example" and "a.b.example" cannot be mistaken for each
// other, and every ancestor of a name is a suffix of its bytes.
package dname

import (
	"strings"
)

const (
	// MaxWire is the most octets of a name in wire form, the root's 0 included.
	MaxWire = 255
	// MaxLabel is the most octets of one label.
	MaxLabel = 63
	// MaxLabels is the most labels that fit into MaxWire octets.
	MaxLabels = 127
)

// Name is a canonical domain name. Names are comparable with ==. The zero Name
// is no name; it covers nothing.
type Name struct{ wire string }

// IsZero reports whether n is the zero Name.
func (n Name) IsZero() bool { return n.wire == "" }

// Wire returns the canonical wire form, the final 0 included.
func (n Name) Wire() string { return n.wire }

// FromWire returns the Name whose canonical wire form is w. It is for callers
// that kept Name.Wire or Wire.Suffix: w is not checked.
func FromWire(w string) Name { return Name{w} }

// NumLabels returns the number of labels; the root has none.
func (n Name) NumLabels() int {
	c := 0
	for i := 0; i < len(n.wire) && n.wire[i] != 0; i += int(n.wire[i]) + 1 {
		c++
	}
	return c
}

// Parent returns the name without its first label. The parent of the root, and
// of the zero Name, is the zero Name.
func (n Name) Parent() Name {
	if len(n.wire) <= 1 {
		return Name{}
	}
	return Name{n.wire[int(n.wire[0])+1:]}
}

// Covers reports whether m is n or lies below it.
func (n Name) Covers(m Name) bool {
	if n.wire == "" {
		return false
	}
	// A suffix of the bytes is an ancestor only when it starts at a label, so
	// walk: "ample.com" must not cover "example.com".
	for !m.IsZero() {
		if len(m.wire) <= len(n.wire) {
			return m == n
		}
		m = m.Parent()
	}
	return false
}

// String returns the presentation form without the trailing dot ("." for the
// root), octets that are special in a zone file escaped (RFC 1035, section
// 5.1; RFC 4343, section 2.1).
func (n Name) String() string {
	if n.wire == "\x00" {
		return "."
	}
	return strings.TrimSuffix(string(AppendPresentation(nil, n.wire)), ".")
}

// FQDN returns the presentation form with the trailing dot.
func (n Name) FQDN() string {
	if n.wire == "" {
		return ""
	}
	return string(AppendPresentation(nil, n.wire))
}

// Compare orders names canonically (RFC 4034, section 6.1): by their labels,
// the rightmost first, so that everything below a name follows it directly.
func (n Name) Compare(m Name) int {
	var a, b [MaxLabels]uint8
	na, nb := offsets(n.wire, &a), offsets(m.wire, &b)
	for na > 0 && nb > 0 {
		na, nb = na-1, nb-1
		x, y := n.wire[a[na]:], m.wire[b[nb]:]
		if c := strings.Compare(x[1:1+x[0]], y[1:1+y[0]]); c != 0 {
			return c
		}
	}
	return na - nb
}

// offsets fills off with the start of each label of w and returns their number.
func offsets(w string, off *[MaxLabels]uint8) int {
	c := 0
	for i := 0; i < len(w) && w[i] != 0; i += int(w[i]) + 1 {
		off[c] = uint8(i)
		c++
	}
	return c
}

// AppendPresentation appends the fully qualified presentation form of the wire
// name w to dst, escaped as miekg/dns escapes it: it is the form in which a
// DNS library takes the name back.
func AppendPresentation[T string | []byte](dst []byte, w T) []byte {
	if len(w) == 0 {
		return dst
	}
	if w[0] == 0 {
		return append(dst, '.')
	}
	for i := 0; i < len(w) && w[i] != 0; {
		end := i + 1 + int(w[i])
		for i++; i < end; i++ {
			switch c := w[i]; {
			case strings.IndexByte(`."\();@$ '`, c) >= 0:
				dst = append(dst, '\\', c)
			case c < ' ' || c > '~':
				dst = append(dst, '\\', '0'+c/100, '0'+c/10%10, '0'+c%10)
			default:
				dst = append(dst, c)
			}
		}
		dst = append(dst, '.')
	}
	return dst
}

// lower lowers one ASCII letter (RFC 4343); other octets stay as they are.
func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
