//go:build e2e

package test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"golang.org/x/net/idna"
)

// An octets is a name as a list of labels, which may contain any bytes.
type octets []string

func labelsOf(name string) octets { return strings.Split(name, ".") }

// fits reports whether the name is a valid DNS name.
func (n octets) fits() bool {
	size := 1
	for _, l := range n {
		if l == "" || len(l) > 63 {
			return false
		}
		size += len(l) + 1
	}
	return size <= 255
}

// size returns the size of the name in wire form, in octets.
func (n octets) size() int { return len(strings.Join(n, ".")) + 2 }

// spelled returns the presentation form. It writes a byte as \DDD if escape returns true, or
// if the byte is not a letter, digit, hyphen or underscore.
func (n octets) spelled(escape func() bool) string {
	var b strings.Builder
	for _, l := range n {
		for _, c := range []byte(l) {
			plain := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
			if plain && !escape() {
				b.WriteByte(c)
			} else {
				fmt.Fprintf(&b, `\%03d`, c)
			}
		}
		b.WriteByte('.')
	}
	return b.String()
}

// judged returns the form that the slow twin compares: lower case, without the final dot, and
// with dots inside labels escaped.
func (n octets) judged() string {
	low := make(octets, len(n))
	for i, l := range n {
		b := []byte(l) // any bytes, and strings.ToLower needs valid UTF-8
		for k, c := range b {
			if 'A' <= c && c <= 'Z' {
				b[k] = c + 'a' - 'A'
			}
		}
		low[i] = string(b)
	}
	return strings.TrimSuffix(low.spelled(func() bool { return false }), ".")
}

// A maker makes names from other names. Each run makes the same names.
type maker struct {
	*rand.Rand
	words []string
}

// made lists the ways to make names. Each takes the labels of a popular or an ordered name.
var made = []struct {
	what string
	make func(m *maker, n octets) octets
}{
	{"siblings", func(m *maker, n octets) octets { return append(octets{m.word()}, n[1:]...) }},
	{"parents", func(m *maker, n octets) octets { return n[1+m.IntN(len(n)):] }},
	{"names below", func(m *maker, n octets) octets { return append(octets{m.word()}, n...) }},
	{"look-alikes", func(m *maker, n octets) octets { return m.alike(n) }},
	{"prefixes without a dot", func(m *maker, n octets) octets { return n.with(0, m.word()+n[0]) }},
	{"endings without a dot", func(m *maker, n octets) octets { return n.with(len(n)-1, n[len(n)-1]+m.word()[:1]) }},
	{"names with more behind", func(m *maker, n octets) octets { return append(slices.Clone(n), labelsOf(m.from(m.words))...) }},
	{"escaped dots before", func(m *maker, n octets) octets { return n.with(0, m.word()+"."+n[0]) }},
	{"escaped dots within", func(m *maker, n octets) octets {
		i := m.IntN(len(n))
		if i+1 == len(n) {
			return n.with(i, n[i]+".")
		}
		return append(append(slices.Clone(n[:i]), n[i]+"."+n[i+1]), n[i+2:]...)
	}},
	{"odd octets", func(m *maker, n octets) octets {
		odd := m.from([]string{"\x00", "\xff", " ", `\`, "*", "\"", "@", ";", "(", "/", "$", "\n", ".", "\x80"})
		switch i := m.IntN(len(n)); m.IntN(3) {
		case 0:
			return append(octets{odd}, n...)
		case 1:
			return n.with(i, odd+n[i])
		default:
			return n.with(i, n[i]+odd)
		}
	}},
	{"names of 255 octets", func(m *maker, n octets) octets { return m.fill(n) }},
	{"255 octets, no dot before", func(m *maker, n octets) octets { return m.fill(n.with(0, m.word()+n[0])) }},
	{"0x20", func(m *maker, n octets) octets {
		out := slices.Clone(n)
		for i, l := range n {
			b := []byte(l)
			for k, c := range b {
				if 'a' <= c && c <= 'z' && m.IntN(2) == 0 {
					b[k] = c - 'a' + 'A'
				}
			}
			out[i] = string(b)
		}
		return out
	}},
	{"upper case", func(m *maker, n octets) octets { return labelsOf(strings.ToUpper(strings.Join(n, "."))) }},
}

// fill adds labels in front of a name until it has 255 octets.
func (m *maker) fill(n octets) octets {
	for room := 255 - n.size(); room > 1; room = 255 - n.size() {
		l := min(63, room-1)
		if room-1-l == 1 {
			l-- // one octet would be too small for another label
		}
		n = append(octets{strings.Repeat(m.word(), 63)[:l]}, n...)
	}
	return n
}

// with returns the name with label i replaced.
func (n octets) with(i int, label string) octets {
	out := slices.Clone(n)
	out[i] = label
	return out
}

func (m *maker) from(s []string) string { return s[m.IntN(len(s))] }

// word returns a random label of the words.
func (m *maker) word() string { return labelsOf(m.from(m.words))[0] }

// alike changes, drops or repeats one letter of a label.
func (m *maker) alike(n octets) octets {
	i := m.IntN(len(n))
	l := n[i]
	k := m.IntN(len(l))
	switch m.IntN(5) {
	case 0:
		return n.with(i, l[:k]+l[k+1:])
	case 1:
		return n.with(i, l[:k]+l[k:k+1]+l[k:])
	case 2:
		return n.with(i, strings.NewReplacer("o", "0", "l", "1", "i", "l", "rn", "m", "m", "rn", "e", "3", "w", "vv").Replace(l))
	case 3:
		return n.with(i, l[:k]+"-"+l[k:])
	}
	// Letters of another script, in Punycode.
	cyrillic := strings.NewReplacer("a", "а", "e", "е", "o", "о", "p", "р", "c", "с", "x", "х", "i", "і").Replace(l)
	a, err := idna.Punycode.ToASCII(cyrillic)
	if err != nil {
		return n
	}
	return n.with(i, a)
}
