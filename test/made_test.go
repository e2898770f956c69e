//go:build e2e

package test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"golang.org/x/net/idna"
)

// octets is a name as its labels, each of any octets at all.
type octets []string

func labelsOf(name string) octets { return strings.Split(name, ".") }

// fits reports whether DNS can carry the name.
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

// size is the name's in wire form.
func (n octets) size() int { return len(strings.Join(n, ".")) + 2 }

// spelled is the presentation form; octets for which escape says so become \DDD,
// and so does whatever is no letter, digit, hyphen or underscore.
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

// judged is the form that the slow twin compares: lower case, without a final
// dot, and with a dot inside of a label spelled so that it is no dot.
func (n octets) judged() string {
	low := make(octets, len(n))
	for i, l := range n {
		b := []byte(l) // of any octets: strings.ToLower wants text
		for k, c := range b {
			if 'A' <= c && c <= 'Z' {
				b[k] = c + 'a' - 'A'
			}
		}
		low[i] = string(b)
	}
	return strings.TrimSuffix(low.spelled(func() bool { return false }), ".")
}

// maker makes names from others, the same ones in each run.
type maker struct {
	*rand.Rand
	words []string
}

// made is how names are made; each takes the labels of a popular or an ordered name.
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

// fill puts labels before a name until it has 255 octets.
func (m *maker) fill(n octets) octets {
	for room := 255 - n.size(); room > 1; room = 255 - n.size() {
		l := min(63, room-1)
		if room-1-l == 1 {
			l-- // one octet would be no room for a label
		}
		n = append(octets{strings.Repeat(m.word(), 63)[:l]}, n...)
	}
	return n
}

// with is the name with another label in one place.
func (n octets) with(i int, label string) octets {
	out := slices.Clone(n)
	out[i] = label
	return out
}

func (m *maker) from(s []string) string { return s[m.IntN(len(s))] }

// word is a label, as people use them or as they are not used.
func (m *maker) word() string { return labelsOf(m.from(m.words))[0] }

// alike changes a letter to one that looks like it, or forgets or repeats one.
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
	// Letters of another script, in the form that is asked for.
	cyrillic := strings.NewReplacer("a", "а", "e", "е", "o", "о", "p", "р", "c", "с", "x", "х", "i", "і").Replace(l)
	a, err := idna.Punycode.ToASCII(cyrillic)
	if err != nil {
		return n
	}
	return n.with(i, a)
}
