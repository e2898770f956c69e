//go:build e2e

package test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"golang.org/x/net/idna"
)

type rawName []string

func labelsOf(name string) rawName { return strings.Split(name, ".") }

func (n rawName) fits() bool {
	size := 1
	for _, l := range n {
		if l == "" || len(l) > 63 {
			return false
		}
		size += len(l) + 1
	}
	return size <= 255
}

func (n rawName) size() int { return len(strings.Join(n, ".")) + 2 }

func (n rawName) spelled(escape func() bool) string {
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

func (n rawName) canonical() string {
	low := make(rawName, len(n))
	for i, l := range n {
		b := []byte(l) // the label may have any bytes, and strings.ToLower needs valid UTF-8
		for k, c := range b {
			if 'A' <= c && c <= 'Z' {
				b[k] = c + 'a' - 'A'
			}
		}
		low[i] = string(b)
	}
	return strings.TrimSuffix(low.spelled(func() bool { return false }), ".")
}

type generator struct {
	*rand.Rand
	words []string
}

var generators = []struct {
	what string
	make func(m *generator, n rawName) rawName
}{
	{"siblings", func(m *generator, n rawName) rawName { return append(rawName{m.word()}, n[1:]...) }},
	{"parents", func(m *generator, n rawName) rawName { return n[1+m.IntN(len(n)):] }},
	{"names below", func(m *generator, n rawName) rawName { return append(rawName{m.word()}, n...) }},
	{"look-alikes", func(m *generator, n rawName) rawName { return m.alike(n) }},
	{"prefixes without a dot", func(m *generator, n rawName) rawName { return n.with(0, m.word()+n[0]) }},
	{"endings without a dot", func(m *generator, n rawName) rawName { return n.with(len(n)-1, n[len(n)-1]+m.word()[:1]) }},
	{"names with more behind", func(m *generator, n rawName) rawName { return append(slices.Clone(n), labelsOf(m.from(m.words))...) }},
	{"escaped dots before", func(m *generator, n rawName) rawName { return n.with(0, m.word()+"."+n[0]) }},
	{"escaped dots within", func(m *generator, n rawName) rawName {
		i := m.IntN(len(n))
		if i+1 == len(n) {
			return n.with(i, n[i]+".")
		}
		return append(append(slices.Clone(n[:i]), n[i]+"."+n[i+1]), n[i+2:]...)
	}},
	{"odd bytes", func(m *generator, n rawName) rawName {
		odd := m.from([]string{"\x00", "\xff", " ", `\`, "*", "\"", "@", ";", "(", "/", "$", "\n", ".", "\x80"})
		switch i := m.IntN(len(n)); m.IntN(3) {
		case 0:
			return append(rawName{odd}, n...)
		case 1:
			return n.with(i, odd+n[i])
		default:
			return n.with(i, n[i]+odd)
		}
	}},
	{"names of 255 octets", func(m *generator, n rawName) rawName { return m.fill(n) }},
	{"255 octets, no dot before", func(m *generator, n rawName) rawName { return m.fill(n.with(0, m.word()+n[0])) }},
	{"0x20", func(m *generator, n rawName) rawName {
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
	{"upper case", func(m *generator, n rawName) rawName { return labelsOf(strings.ToUpper(strings.Join(n, "."))) }},
}

func (m *generator) fill(n rawName) rawName {
	for room := 255 - n.size(); room > 1; room = 255 - n.size() {
		l := min(63, room-1)
		if room-1-l == 1 {
			l-- // one octet would be too small for another label
		}
		n = append(rawName{strings.Repeat(m.word(), 63)[:l]}, n...)
	}
	return n
}

// The method with replaces label i of the name.
func (n rawName) with(i int, label string) rawName {
	out := slices.Clone(n)
	out[i] = label
	return out
}

func (m *generator) from(s []string) string { return s[m.IntN(len(s))] }

// word returns the first label of a random name.
func (m *generator) word() string { return labelsOf(m.from(m.words))[0] }

func (m *generator) alike(n rawName) rawName {
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
	cyrillic := strings.NewReplacer("a", "а", "e", "е", "o", "о", "p", "р", "c", "с", "x", "х", "i", "і").Replace(l)
	a, err := idna.Punycode.ToASCII(cyrillic)
	if err != nil {
		return n
	}
	return n.with(i, a)
}
