// Package dname has types for domain names. A [Name] comes from an order: [Parse] refuses text that
// cannot be a host name. A [Wire] comes from a query: [Wire.Set] accepts every name that DNS can
// carry, and does not allocate.
//
// Both types store the uncompressed wire form (RFC 1035, section 3.1) with ASCII letters in lower
// case (RFC 4343). An ancestor of a name is a suffix of the bytes of the name.
package dname

import (
	"bytes"
	"strings"
)

const (
	// MaxWire is the maximum length of a name in wire form, in octets.
	MaxWire = 255
	// MaxLabel is the maximum length of a label, in octets.
	MaxLabel = 63
	// MaxLabels is the maximum number of labels in a name.
	MaxLabels = 127
)

// A Name is a domain name in canonical form. Names can be compared with ==. The zero Name is not a
// domain name.
type Name struct{ wire string }

// IsZero reports whether n is the zero Name.
func (n Name) IsZero() bool { return n.wire == "" }

// Wire returns the canonical wire form with the final 0.
func (n Name) Wire() string { return n.wire }

// FromWire returns the Name with the wire form w. It does not check w. Use only results of
// Name.Wire or Wire.Suffix.
func FromWire(w string) Name { return Name{w} }

// NumLabels returns the number of labels, 0 for the root.
func (n Name) NumLabels() int {
	c := 0
	for i := 0; i < len(n.wire) && n.wire[i] != 0; i += int(n.wire[i]) + 1 {
		c++
	}
	return c
}

// Parent returns the name without its first label. The parent of the root is the zero Name.
func (n Name) Parent() Name {
	if len(n.wire) <= 1 {
		return Name{}
	}
	return Name{n.wire[int(n.wire[0])+1:]}
}

// Covers reports whether m equals n or is below n.
func (n Name) Covers(m Name) bool {
	if n.wire == "" {
		return false
	}
	// Compare only at the start of labels. "ample.com" must not cover "example.com".
	for !m.IsZero() {
		if len(m.wire) <= len(n.wire) {
			return m == n
		}
		m = m.Parent()
	}
	return false
}

// String returns the presentation form without the trailing dot, or "." for the root. It escapes
// octets with a meaning in zone files (RFC 1035, section 5.1; RFC 4343, section 2.1).
func (n Name) String() string {
	if n.wire == "\x00" {
		return "."
	}
	text := AppendPresentation(make([]byte, 0, len(n.wire)), n.wire)
	return string(bytes.TrimSuffix(text, []byte(".")))
}

// FQDN returns the presentation form with the trailing dot.
func (n Name) FQDN() string {
	if n.wire == "" {
		return ""
	}
	return string(AppendPresentation(nil, n.wire))
}

// Compare compares two names in canonical order (RFC 4034, section 6.1). The result is negative if
// n is before m.
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

func offsets(w string, off *[MaxLabels]uint8) int {
	c := 0
	for i := 0; i < len(w) && w[i] != 0; i += int(w[i]) + 1 {
		off[c] = uint8(i)
		c++
	}
	return c
}

var ordinary = func() (t [256]bool) {
	for c := '!'; c <= '~'; c++ {
		t[c] = !strings.ContainsRune(`."\();@$'`, c)
	}
	return t
}()

// AppendPresentation appends the presentation form of w with the trailing dot. It escapes the
// octets that miekg/dns escapes, and "$".
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
			case ordinary[c]:
				dst = append(dst, c)
			case c >= ' ' && c <= '~':
				dst = append(dst, '\\', c)
			default:
				dst = append(dst, '\\', '0'+c/100, '0'+c/10%10, '0'+c%10)
			}
		}
		dst = append(dst, '.')
	}
	return dst
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
