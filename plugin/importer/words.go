package importer

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/lint"
	"github.com/dns-orders/blocklist/plugin/order"
)

var (
	glued   = regexp.MustCompile(`(?i)(?:https?|ftp)://`)
	schemes = regexp.MustCompile(`^(?i)(?:[a-z][a-z0-9+-]*://+|(?:https?|ftp)(?::[/\\]*|[/\\]{2,}))`)
)

func (c *cleaner) words(s string) (words []string) {
	for _, field := range strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || r == '|' }) {
		if strings.Trim(field, quotes) == "" { // for example "« example.com »"
			c.did("removed quotes, brackets and full stops around the name")
			continue
		}
		cut := strings.Trim(field, ";,")
		if cut != field {
			c.did("removed the separator at the end")
		}
		if cut == "" {
			continue
		}
		for _, part := range c.unglue(cut) {
			part = strings.Trim(part, ";,")
			path := strings.ContainsAny(cutScheme(part), "/?#")
			cut := strings.FieldsFunc(part, func(r rune) bool { return r == ';' || r == ',' })
			if len(cut) < 2 || path && !slices.ContainsFunc(cut, date.MatchString) && !number.MatchString(cut[0]) {
				words = append(words, part) // the separators belong to the path of a URL
				continue
			}
			words = append(words, cut...)
		}
	}
	return words
}

// A doubled scheme must stay, for example http://http://a.example.
func (c *cleaner) unglue(s string) (parts []string) {
	start := 0
	for _, at := range glued.FindAllStringIndex(s, -1) {
		before := cutScheme(s[start:at[0]])
		if strings.Trim(before, closing+"({[") == "" {
			continue // only a quote or the same scheme comes before the URL
		}
		if strings.ContainsAny(strings.TrimRight(before, "/"), "/?#=") {
			c.refuse("has a URL inside the path of another URL; it is unclear whether these are two URLs")
			return []string{s}
		}
		parts = append(parts, s[start:at[0]])
		start = at[0]
	}
	return append(parts, s[start:])
}

func (c *cleaner) split(words []string) (names, rest []string) {
	if len(words) == 0 {
		c.refuse("has no name")
		return nil, nil
	}
	if len(words) == 1 {
		return words, nil
	}
	if isAddress(words[0]) && !isAddress(words[1]) {
		c.refuse("has an address before the name; a hosts file is another format")
		return nil, nil
	}
	if !namelike(words[0]) && !isAddress(words[0]) {
		c.refuse("has a blank or a separator inside a name; it is unclear which name is meant")
		return nil, nil
	}
	for _, w := range words[1:] {
		if strings.Trim(w, ".\u2026") == "" {
			c.refuse("ends in several dots, like a name that was cut off")
			return nil, nil
		}
		if len(w) > 1 && (w[0] == '.' || w[0] == '-') && strings.Trim(w, "-.") != "" {
			c.refuse("has a blank or a separator inside a name; it is unclear which name is meant")
			return nil, nil
		}
	}
	if listed := c.listed(words); listed != nil {
		return listed, nil
	}
	like, addresses := 0, 0
	for _, w := range words[1:] {
		switch {
		case isAddress(w):
			addresses++
		case namelike(w):
			like++
		}
	}
	switch {
	case like == len(words)-1, addresses == len(words)-1 && isAddress(words[0]):
		return words, nil
	case like > 0:
		c.refuse("mixes names and other words; it is unclear which names are meant")
		return nil, nil
	}
	return words[:1], words[1:]
}

// Dutch "en" and Czech "a" are missing, because they mean "in" and "to" in other languages.
var andWord = regexp.MustCompile(`^(?i:and|e|ed|et|und|sowie|y|og|och|i|oraz|и|й|і|та|ve|&)$`)

func (c *cleaner) listed(words []string) (names []string) {
	and := true // an "and" cannot be first, last, or after another "and"
	for _, w := range words {
		switch {
		case namelike(w):
			names, and = append(names, w), false
		case and || !andWord.MatchString(w):
			return nil
		default:
			and = true
		}
	}
	if and || len(names) == len(words) {
		return nil
	}
	c.did(`removed the "and" between the names`)
	return names
}

func address(s string) (netip.Prefix, bool) {
	s = strings.Trim(s, "[]().,;")
	// Most texts are names. Skip the slow ParsePrefix for names.
	if s == "" || !isDigit(s[len(s)-1]) && !strings.Contains(s, ":") {
		return netip.Prefix{}, false
	}
	x, why := order.ParsePrefix(s)
	return x, why == ""
}

func isAddress(s string) bool {
	_, ok := address(s)
	return ok
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func namelike(s string) bool {
	s = strings.Trim(s, "()[].,;:"+quotes)
	bare := cutScheme(s)
	url := bare != s
	if i := strings.IndexAny(bare, "/?#:"); i >= 0 {
		bare = bare[:i]
	}
	n, err := dname.Parse(strings.TrimPrefix(strings.Trim(bare, "."), "*."))
	return err == nil && n.NumLabels() > 1 && (url || lint.KnownTop(n))
}
