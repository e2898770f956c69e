// Package corpus generates the names and queries of all benchmarks from a fixed seed. The names are
// the same on every machine.
//
// A long list begins with the names of every shorter list.
package corpus

import (
	"math/rand/v2"
	"strconv"
	"strings"
)

// The length of a name is in bytes, without the final dot.
const (
	MinLen = 8
	MaxLen = 30
)

type choice struct {
	word   string
	weight int
}

var suffixes = weigh(choice{"com", 480}, choice{"net", 60}, choice{"org", 50}, choice{"ru", 70}, choice{"de", 35},
	choice{"xyz", 40}, choice{"top", 40}, choice{"info", 30}, choice{"io", 15}, choice{"co", 15}, choice{"site", 15},
	choice{"online", 15}, choice{"shop", 12}, choice{"club", 10}, choice{"fr", 10}, choice{"nl", 10}, choice{"pl", 10},
	choice{"it", 10}, choice{"eu", 8}, choice{"cn", 20}, choice{"biz", 8}, choice{"icu", 8}, choice{"cc", 8},
	choice{"tk", 6}, choice{"me", 6}, choice{"us", 6}, choice{"live", 5}, choice{"pro", 5}, choice{"co.uk", 12},
	choice{"com.br", 10}, choice{"com.tr", 6}, choice{"co.jp", 4}, choice{"com.au", 5}, choice{"co.za", 3})

var hosters = weigh(choice{"blogspot.com", 20}, choice{"weebly.com", 15}, choice{"github.io", 10}, choice{"pages.dev", 20},
	choice{"workers.dev", 15}, choice{"netlify.app", 10}, choice{"vercel.app", 15}, choice{"web.app", 15},
	choice{"r2.dev", 10}, choice{"cloudfront.net", 20}, choice{"herokuapp.com", 5}, choice{"wixsite.com", 10})

var subdomains = weigh(choice{"www", 40}, choice{"ads", 10}, choice{"track", 8}, choice{"cdn", 10}, choice{"mail", 6},
	choice{"m", 8}, choice{"img", 6}, choice{"static", 6}, choice{"login", 8}, choice{"secure", 6}, choice{"api", 5},
	choice{"app", 5}, choice{"stats", 5}, choice{"pixel", 4}, choice{"metrics", 4})

func weigh(choices ...choice) (words []string) {
	for _, c := range choices {
		for range c.weight {
			words = append(words, c.word)
		}
	}
	return words
}

// A maker draws random names from a fixed seed.
type maker struct {
	*rand.Rand
	words []string
	zipf  *rand.Zipf // makes some words frequent, as in natural languages
}

// newMaker returns a maker with its own sequence of random numbers.
func newMaker(stream uint64) *maker {
	m := &maker{Rand: rand.New(rand.NewPCG(1, 0))}
	for range 20_000 {
		word := ""
		for range 1 + m.IntN(3) {
			word += m.syllable()
		}
		m.words = append(m.words, word)
	}
	m.Rand = rand.New(rand.NewPCG(1, stream))
	m.zipf = rand.NewZipf(m.Rand, 1.05, 20, uint64(len(m.words)-1))
	return m
}

func (m *maker) from(words []string) string { return words[m.IntN(len(words))] }

func (m *maker) word() string { return m.words[m.zipf.Uint64()] }

func (m *maker) syllable() string {
	const consonants, vowels = "bcdfghjklmnprstvwz", "aeiou"
	b := []byte{consonants[m.IntN(len(consonants))], vowels[m.IntN(len(vowels))]}
	if m.IntN(3) == 0 {
		b = append(b, consonants[m.IntN(len(consonants))])
	}
	return string(b)
}

func (m *maker) label() string {
	switch k := m.IntN(100); {
	case k < 40:
		return m.word() + m.word()
	case k < 52:
		return m.word() + "-" + m.word()
	case k < 64:
		return m.word() + m.word() + m.word()
	case k < 80:
		return m.word() + m.syllable() + strconv.Itoa(m.IntN(1000))
	case k < 92:
		s := ""
		for range 3 + m.IntN(3) {
			s += m.syllable()
		}
		return s
	}
	// The other labels look like labels that programs generate.
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	b := make([]byte, 6+m.IntN(12))
	for i := range b {
		b[i] = letters[m.IntN(len(letters))]
	}
	b[0] = letters[m.IntN(26)]
	return string(b)
}

func (m *maker) name() string {
	kind := m.IntN(10)
	for {
		var s string
		switch {
		case kind == 0:
			s = m.label() + "." + m.from(hosters)
		case kind == 1:
			s = m.from(subdomains) + "."
			if m.IntN(3) == 0 {
				s += m.word() + "."
			}
			s += m.label() + "." + m.from(suffixes)
		default:
			s = m.label() + "." + m.from(suffixes)
		}
		if MinLen <= len(s) && len(s) <= MaxLen {
			return s
		}
	}
}

// A List is a list of names. No name in the list is below another name in the list.
type List struct {
	Names  []string
	listed map[string]struct{}
}

// New returns the list of n names.
func New(n int) *List {
	l := &List{Names: make([]string, 0, n), listed: make(map[string]struct{}, n)}
	above := map[string]struct{}{} // all names above the names in the list
	for m := newMaker(1); len(l.Names) < n; {
		s := m.name()
		if _, ok := above[s]; ok || l.Covers(s) {
			continue
		}
		l.listed[s] = struct{}{}
		l.Names = append(l.Names, s)
		for up := parent(s); up != ""; up = parent(up) {
			above[up] = struct{}{}
		}
	}
	return l
}

func parent(s string) string {
	_, up, _ := strings.Cut(s, ".")
	return up
}

// Covers reports whether a listed name equals s or is above s.
func (l *List) Covers(s string) bool {
	for ; s != ""; s = parent(s) {
		if _, ok := l.listed[s]; ok {
			return true
		}
	}
	return false
}

// The type Queries is a list of query names with the final dot. All names are substrings of one
// string.
type Queries []string

func queries(n int, next func() string) Queries {
	var text strings.Builder
	ends := make([]int, n)
	for i := range ends {
		text.WriteString(next())
		text.WriteByte('.')
		ends[i] = text.Len()
	}
	q, from := make(Queries, n), 0
	for i, end := range ends {
		q[i], from = text.String()[from:end], end
	}
	return q
}

// Hits returns all names in the list in random order.
func (l *List) Hits() Queries {
	order := newMaker(2).Perm(len(l.Names))
	i := -1
	return queries(len(order), func() string { i++; return l.Names[order[i]] })
}

// SubdomainHits returns one name below each name in the list, in random order.
func (l *List) SubdomainHits() Queries {
	m := newMaker(3)
	order := m.Perm(len(l.Names))
	i := -1
	return queries(len(order), func() string { i++; return m.from(subdomains) + "." + l.Names[order[i]] })
}

// Misses returns n different names that the list does not cover. Half of the names have an extra
// subdomain label.
func (l *List) Misses(n int) Queries {
	m := newMaker(4)
	seen := make(map[string]struct{}, n)
	return queries(n, func() string {
		for {
			s := m.name()
			if m.IntN(2) == 0 {
				s = m.from(subdomains) + "." + s
			}
			if _, dup := seen[s]; !dup && !l.Covers(s) {
				seen[s] = struct{}{}
				return s
			}
		}
	})
}

// Mix returns n queries. The list covers about 5 % of the queries.
func (l *List) Mix(n int) Queries {
	m := newMaker(5)
	misses := l.Misses(n)
	i := -1
	return queries(n, func() string {
		i++
		if m.IntN(20) > 0 {
			return strings.TrimSuffix(misses[i], ".")
		}
		s := m.from(l.Names)
		if m.IntN(2) == 0 {
			s = m.from(subdomains) + "." + s
		}
		return s
	})
}
