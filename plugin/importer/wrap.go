package importer

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/lint"
)

// A word processor may break a name at a hyphen: "guarda-film-" and "streaming.com". The two lines
// may also be two names. The caller must decide.

// hyphens contains all characters that look like a hyphen.
const hyphens = "-\u2010\u2011\u2012\u2013\u2014\u2212"

const softHyphen = "\u00ad"

func breaksOff(s string) bool {
	s = strings.TrimRight(s, " \t\u00a0"+closing)
	if strings.HasSuffix(s, softHyphen) {
		return true
	}
	s = strip(s)
	r, n := utf8.DecodeLastRuneInString(s)
	return (strings.ContainsRune(hyphens, r) || r == '\\') && strings.Trim(s[:len(s)-n], hyphens+"\\ \t=") != ""
}

var columnEnd = regexp.MustCompile(`[\t;,|]|\s{2,}|\s\d[\d./-]{5,9}$`)

func breaksInside(s string) bool {
	return slices.ContainsFunc(columnEnd.Split(s, -1), breaksOff)
}

// body returns a line without its comment.
func body(s string) string {
	if i := blankHash(s); i >= 0 {
		return s[:i]
	}
	return s
}

func opensWith(s string) bool {
	r, n := utf8.DecodeRuneInString(s)
	return strings.ContainsRune(hyphens, r) && n < len(s) && strings.Trim(s, hyphens+" \t=") != "" && marker(s) == s
}

func aWord(s string) string {
	w := strings.TrimRight(s, closing+"/")
	w = cutScheme(strings.TrimLeft(w, quotes))
	if w == "" || strings.ContainsAny(w, ". \t/?#@:,;|") || number.MatchString(w) {
		return ""
	}
	return w
}

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

func aTop(s string) bool {
	n, err := dname.Parse(s)
	return err == nil && n.NumLabels() == 1 && lint.KnownTop(n) && !headings[strings.ToLower(s)]
}

func broken(lines []line, decided func(i int) string, typed map[int]string) {
	last := -1 // index of the last line with text, or -1
	for i := range lines {
		l := &lines[i]
		if !l.hasText() {
			if l.text == "" && l.open() && last >= 0 && !breaksInside(body(lines[last].source())) && !strings.HasSuffix(lines[last].text, ".") {
				last = -1 // a name does not continue after a blank line, unless the line before ends in a hyphen or a dot
			}
			continue
		}
		if simple(l.text) && (last < 0 || simple(lines[last].text)) {
			last = i
			continue
		}
		if last >= 0 && pair(lines, last, i, decided(i), typed[i+1]) {
			lines[last].whole.rest = append(lines[last].whole.rest, Rest{i + 1, shorten(l.raw)})
			continue // the next line may also belong to the joined line
		}
		loose(l, decided(i))
		last = i
	}
	if last >= 0 {
		if l := &lines[last]; l.open() && breaksInside(body(l.source())) && decided(last) != "separate" {
			*l.mark() = found{refused: "ends in a hyphen, and no line follows"}
		}
	}
}

// In a diff, a hyphen at the start of a line may mark a removed name.
func loose(l *line, decided string) {
	if l.open() && opensWith(marker(l.text)) && decided != "separate" {
		*l.mark() = found{refused: "begins with a hyphen; it is unclear whether the hyphen belongs to the name", needs: Hyphen}
	}
}

func pair(lines []line, i, j int, decided, typed string) bool {
	a, b := &lines[i], &lines[j]
	raw := body(a.source())
	first, next := marker(strip(body(a.text))), marker(strip(body(b.text)))
	why, follows := "", ""
	switch {
	case breaksOff(raw):
		why, follows = "ends in a hyphen", "follows a line that ends in a hyphen"
	case breaksInside(raw):
		why, follows = "has a column that ends in a hyphen", "follows a line with a column that ends in a hyphen"
		if decided == "join" || decided == "drop" {
			decided = "refuse" // with several columns, it is unknown which column continues
		}
	case openDot(first, next):
		why, follows = "ends in a dot", "follows a line that ends in a dot"
	case opensWith(next):
		why, follows = "comes before a line that begins with a hyphen", "begins with a hyphen"
	case strings.HasPrefix(next, ".") && !strings.HasPrefix(first, "."):
		why, follows = "comes before a line that begins with a dot", "begins with a dot, after a line that does not"
	default:
		maybeOneName(a, b, first, next)
		return false
	}
	if typed != "" {
		a.join(typed)
		*a.mark() = found{did: "replaced with the next line by typed text"}
		b.mark().passed = "replaced with the line before by typed text"
		return true
	}
	switch decided {
	case "join", "drop":
		s := strip(strings.TrimRight(body(a.text), " \t\u00a0,;\\"))
		if h := strings.TrimRight(s, closing); breaksOff(raw) {
			s = h
		}
		if r, n := utf8.DecodeLastRuneInString(s); strings.ContainsRune(hyphens, r) {
			s = s[:len(s)-n] + "-"
		}
		rest, did := b.text, "joined with the next line"
		if decided == "drop" {
			s, did = strings.TrimSuffix(s, "-"), "joined with the next line, without the hyphen"
			if !breaksOff(raw) {
				rest = strings.TrimLeft(rest, hyphens)
			}
		}
		a.join(s + rest)
		*a.mark() = found{did: did, warning: a.mark().warning} // the refusal was about the line before
		b.mark().passed = "joined with the line before"
		return true
	case "separate":
		b.mark().did = apart
		a.mark().did = apart
	default:
		const unclear = "; it is unclear whether the two lines are one name or two"
		if a.open() {
			*a.mark() = found{refused: why + unclear, needs: Hyphen}
		}
		*b.mark() = found{refused: follows + unclear, needs: Hyphen, after: i + 1}
	}
	return false
}

const apart = "read as a separate line, although it may be part of the line before or after"

func maybeOneName(a, b *line, first, next string) {
	wa, wb := aWord(first), aWord(next)
	switch {
	case next != strip(body(b.text)): // b begins with a number or bullet, so it is a separate item
	case wa != "" && !headings[strings.ToLower(wa)] && namelike(next):
		b.mark().warning = "follows a word without a dot; the two lines may be one name"
	case wb != "" && !headings[strings.ToLower(wb)] && namelike(first):
		a.mark().warning = "comes before a word without a dot; the two lines may be one name"
	}
}
