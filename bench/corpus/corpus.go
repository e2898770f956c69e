// Package corpus makes the seeded names and queries that all benchmarks use: the
// same ones on every machine, so that figures can be compared.
//
// The names look like those of real block lists: 8 to 30 octets, 15.7 in the
// mean, under 34 top-level and public suffixes in the proportions of such lists,
// one in five deeper than its registrable domain. Lists nest: the first k names
// of a list are the list of k names.
package corpus

import (
	"math/rand/v2"
	"strconv"
	"strings"
)

// The bounds of a name, in octets of its presentation form without the final dot.
const (
	MinLen = 8
	MaxLen = 30
)

// choice is a word and how often it is drawn.
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

// hosters are domains under which strangers get names.
var hosters = weigh(choice{"blogspot.com", 20}, choice{"weebly.com", 15}, choice{"github.io", 10}, choice{"pages.dev", 20},
	choice{"workers.dev", 15}, choice{"netlify.app", 10}, choice{"vercel.app", 15}, choice{"web.app", 15},
	choice{"r2.dev", 10}, choice{"cloudfront.net", 20}, choice{"herokuapp.com", 5}, choice{"wixsite.com", 10})

// subdomains are first labels as people and advertisers use them.
var subdomains = weigh(choice{"www", 40}, choice{"ads", 10}, choice{"track", 8}, choice{"cdn", 10}, choice{"mail", 6},
	choice{"m", 8}, choice{"img", 6}, choice{"static", 6}, choice{"login", 8}, choice{"secure", 6}, choice{"api", 5},
	choice{"app", 5}, choice{"stats", 5}, choice{"pixel", 4}, choice{"metrics", 4})

// weigh repeats each word by its weight, so that drawing one is one step.
func weigh(choices ...choice) (words []string) {
	for _, c := range choices {
		for range c.weight {
			words = append(words, c.word)
		}
	}
	return words
}

// maker draws names from one seeded source.
type maker struct {
	*rand.Rand
	words []string
	zipf  *rand.Zipf // frequent words, as in any language
}

// newMaker returns a maker whose draws are those of the stream: names and queries
// have one each, so that either can grow without the other's changing. The
// vocabulary is the same in all.
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

// label draws the label that somebody registers.
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
	// As programs make them up.
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	b := make([]byte, 6+m.IntN(12))
	for i := range b {
		b[i] = letters[m.IntN(len(letters))]
	}
	b[0] = letters[m.IntN(26)]
	return string(b)
}

// name draws a name of MinLen to MaxLen octets: one in five under a hoster or
// below a domain of its own, the others directly under a suffix.
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
		// Drawn again in the same kind: long ones are mostly deep ones, and the
		// share of the deep ones must stand.
		if MinLen <= len(s) && len(s) <= MaxLen {
			return s
		}
	}
}

// List is a list of names, none of which lies below another.
type List struct {
	Names  []string
	listed map[string]struct{}
}

// New returns the list of n names.
func New(n int) *List {
	l := &List{Names: make([]string, 0, n), listed: make(map[string]struct{}, n)}
	above := map[string]struct{}{} // the proper ancestors of what is listed
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

// parent returns the name without its first label, empty for the last label.
func parent(s string) string {
	_, up, _ := strings.Cut(s, ".")
	return up
}

// Covers reports whether a name is listed or lies below one that is.
func (l *List) Covers(s string) bool {
	for ; s != ""; s = parent(s) {
		if _, ok := l.listed[s]; ok {
			return true
		}
	}
	return false
}

// Queries are questions in the presentation form of DNS libraries, the final dot
// included. Their text is one piece of memory in the order of asking, so that
// reading a question is as cheap as in a server that has just received it, and
// what is cold is the set that is asked.
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

// Hits are the names of the list, each once, shuffled.
func (l *List) Hits() Queries {
	order := newMaker(2).Perm(len(l.Names))
	i := -1
	return queries(len(order), func() string { i++; return l.Names[order[i]] })
}

// SubdomainHits are a name below each name of the list, shuffled.
func (l *List) SubdomainHits() Queries {
	m := newMaker(3)
	order := m.Perm(len(l.Names))
	i := -1
	return queries(len(order), func() string { i++; return m.from(subdomains) + "." + l.Names[order[i]] })
}

// Misses are n different names of the list's kind that it does not cover, half of
// them below such a name.
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

// Mix are n queries of which 5 % hit, half of those below the listed name.
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
