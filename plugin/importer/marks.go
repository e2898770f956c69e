package importer

import (
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// IDNA maps a raised 2 to a plain 2, so a footnote mark would change the name.
const footnotes = "\u00b9\u00b2\u00b3\u2070\u2074\u2075\u2076\u2077\u2078\u2079\u2080\u2081\u2082\u2083\u2084\u2085\u2086\u2087\u2088\u2089\u00aa\u00ba\u2020\u2021"

func cutOff(s string) bool {
	name := strings.TrimRight(s, closing)
	if strings.HasSuffix(name, "/") || strings.HasSuffix(name, `\`) {
		return false // the dots are dot segments of a path
	}
	return strings.Contains(s[len(name):], "..") || strings.HasSuffix(s, "\u2026")
}

var glueNumber = regexp.MustCompile(`^(\d{1,7})\.(\S+)$`)

// In "1.a.example" and "2.b.example", the numbers may count the lines, so these lines are refused.
// In "1.a.example" and "2.a.example", the numbers belong to the names.
func numbered(lines []line) {
	var last *line
	n, base := -1, ""
	for i := range lines {
		l := &lines[i]
		if !l.hasText() {
			continue
		}
		m := glueNumber.FindStringSubmatch(l.text)
		if m == nil || !namelike(m[2]) {
			n = -1
			continue
		}
		if suffix, _ := publicsuffix.PublicSuffix(m[2]); suffix == m[2] {
			n = -1
			continue
		}
		v, _ := strconv.Atoi(m[1])
		if n >= 0 && v == n+1 && m[2] != base {
			for _, x := range []*line{last, l} {
				x.mark().glued = true
			}
		}
		last, n, base = l, v, m[2]
	}
	for i := range lines {
		if l := &lines[i]; l.found != nil && l.found.glued {
			*l.found = found{refused: "begins with a number that counts the lines; it is unclear whether the number belongs to the name"}
		}
	}
}

var removal = regexp.MustCompile(`^[-\x{2013}\x{2014}\x{2212}][\s\x{a0}]+\S`)

// If only some names have a hyphen in front, the hyphen may mean a removed name.
func removed(lines []line, decided func(i int) string) {
	bare := false
	var hyphened []*line
	for i := range lines {
		l := &lines[i]
		if !l.hasText() {
			continue
		}
		if removal.MatchString(l.text) {
			if decided(i) != "separate" {
				hyphened = append(hyphened, l)
			}
		} else if text, plus := strings.CutPrefix(l.text, "+"); !bare && (plus || marker(text) == text) {
			words := strings.Fields(text)
			bare = len(words) > 0 && namelike(words[0])
		}
	}
	if !bare {
		return
	}
	for _, l := range hyphened {
		*l.mark() = found{refused: "begins with a hyphen, and other lines do not; it is unclear whether the hyphen is a bullet or removes the name", needs: Hyphen}
	}
}
