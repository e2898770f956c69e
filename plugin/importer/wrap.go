package importer

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/lint"
)

// Text that was wrapped has names that go on in the next line. "guarda-film-" and
// "streaming.com" may be one name or two, and "streaming.com" may be the name of
// somebody else. So such lines are neither joined nor split unless the caller decides.

// hyphens are the characters that look like a hyphen.
const hyphens = "-\u2010\u2011\u2012\u2013\u2014\u2212"

// softHyphen is written by word processors where a word may break.
const softHyphen = "\u00ad"

// breaksOff reports whether a line ends in a hyphen, a backslash or a soft hyphen.
func breaksOff(s string) bool {
	s = strings.TrimRight(s, " \t\u00a0"+closing)
	if strings.HasSuffix(s, softHyphen) {
		return true
	}
	s = strip(s)
	r, n := utf8.DecodeLastRuneInString(s)
	return (strings.ContainsRune(hyphens, r) || r == '\\') && strings.Trim(s[:len(s)-n], hyphens+"\\ \t=") != ""
}

// columnEnd finds the end of a column: a separator, two blanks or more, a date.
var columnEnd = regexp.MustCompile(`[\t;,|]|\s{2,}|\s\d[\d./-]{5,9}$`)

// breaksInside reports whether a column of a line ends in a hyphen, as in a table of
// wrapped names.
func breaksInside(s string) bool {
	return slices.ContainsFunc(columnEnd.Split(s, -1), breaksOff)
}

// body is a line without the comment behind its text.
func body(s string) string {
	if i := blankHash(s); i >= 0 {
		return s[:i]
	}
	return s
}

// opensWith reports whether a line begins with a hyphen that is no bullet.
func opensWith(s string) bool {
	r, n := utf8.DecodeRuneInString(s)
	return strings.ContainsRune(hyphens, r) && n < len(s) && strings.Trim(s, hyphens+" \t=") != "" && marker(s) == s
}

// aWord returns the line when it is one word without a dot, apart from one at its end.
func aWord(s string) string {
	w := strings.TrimRight(s, closing+"/")
	w = schemes.ReplaceAllString(strings.TrimLeft(w, quotes), "")
	if w == "" || strings.ContainsAny(w, ". \t/?#@:,;|") || number.MatchString(w) {
		return ""
	}
	return w
}

// openDot reports whether a line ends in a dot behind which a top-level domain lacks.
func openDot(s, next string) bool {
	s = strings.TrimRight(s, " \t,;"+quotes)
	if !strings.HasSuffix(s, ".") || strings.ContainsAny(s, " \t") {
		return false
	}
	if aWord(s) != "" {
		return true
	}
	return !namelike(s) && strings.Count(s, ".") > 1 && !isAddress(s) || aTop(aWord(next))
}

// aTop reports whether a word is a top-level domain, and not a word of a heading.
func aTop(s string) bool {
	n, err := dname.Parse(s)
	return err == nil && n.NumLabels() == 1 && lint.KnownTop(n) && !headings[strings.ToLower(s)]
}

// broken finds lines of which one may be the rest of the other, and does with them what
// the caller decided.
func broken(lines []line, decided string) {
	last := -1 // the line with text before
	for i := range lines {
		l := &lines[i]
		if !l.hasText() {
			if l.text == "" && l.open() && last >= 0 && !breaksInside(body(lines[last].raw)) && !strings.HasSuffix(lines[last].text, ".") {
				last = -1 // a blank line ends a word, but no hyphen
			}
			continue
		}
		if simple(l.text) && (last < 0 || simple(lines[last].text)) {
			last = i
			continue
		}
		if last >= 0 && pair(&lines[last], l, decided) {
			continue // joined: the line before goes on
		}
		loose(l, decided)
		last = i
	}
	if last >= 0 {
		if l := &lines[last]; l.open() && breaksInside(body(l.raw)) && decided != "separate" {
			*l.mark() = found{refused: "breaks off with a hyphen, and no line follows"}
		}
	}
}

// loose refuses a line that begins with a hyphen and has no line before: such a line is
// the rest of a name, or was taken out of a list.
func loose(l *line, decided string) {
	if l.open() && opensWith(marker(l.text)) && decided != "separate" {
		*l.mark() = found{refused: "begins with a hyphen; nothing says whether the hyphen belongs to the name", needs: Hyphen}
	}
}

// pair decides about two lines that follow each other, and reports whether it joined
// them.
func pair(a, b *line, decided string) bool {
	raw := body(a.raw)
	first, next := marker(strip(body(a.text))), marker(strip(body(b.text)))
	why, follows := "", ""
	switch {
	case breaksOff(raw):
		why, follows = "breaks off with a hyphen", "follows a line that breaks off with a hyphen"
	case breaksInside(raw):
		why, follows = "has a column that breaks off with a hyphen", "follows a line with a column that breaks off with a hyphen"
		if decided == "join" {
			decided = "refuse" // nothing says where the rest of the word goes on
		}
	case openDot(first, next):
		why, follows = "breaks off with a dot", "follows a line that breaks off with a dot"
	case opensWith(next):
		why, follows = "comes before a line that begins with a hyphen", "begins with a hyphen"
	case strings.HasPrefix(next, ".") && aWord(first) != "":
		why, follows = "is a word before a line that begins with a dot", "begins with a dot, after a word without one"
	default:
		doubt(a, b, first, next)
		return false
	}
	switch decided {
	case "join":
		s := strip(strings.TrimRight(body(a.text), " \t\u00a0,;\\"))
		if h := strings.TrimRight(s, closing); breaksOff(raw) {
			s = h
		}
		if r, n := utf8.DecodeLastRuneInString(s); strings.ContainsRune(hyphens, r) {
			s = s[:len(s)-n] + "-"
		}
		a.text = s + b.text
		a.raw = a.text
		a.mark().did = "joined with the line that follows"
		b.mark().passed = "the rest of the line before, joined with it"
		return true
	case "separate":
		b.mark().did = apart
		a.mark().did = apart
	default:
		const unclear = "; nothing says whether the two lines are one name or two"
		if a.open() {
			*a.mark() = found{refused: why + unclear, needs: Hyphen}
		}
		*b.mark() = found{refused: follows + unclear, needs: Hyphen}
	}
	return false
}

// apart is what is said of lines that were not joined because the caller decided so.
const apart = "read as a line of its own, although it may belong to the line beside it"

// doubt warns of a name beside a word without a dot, which may be one name that was
// broken without a hyphen.
func doubt(a, b *line, first, next string) {
	wa, wb := aWord(first), aWord(next)
	switch {
	case next != strip(body(b.text)): // a number or bullet begins an item of its own
	case wa != "" && !headings[strings.ToLower(wa)] && namelike(next):
		b.mark().warning = "follows a word without a dot, of which it may be the rest"
	case wb != "" && !headings[strings.ToLower(wb)] && namelike(first):
		a.mark().warning = "comes before a word without a dot, which may be the rest of it"
	}
}
