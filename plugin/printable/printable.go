// Package printable makes text safe for a log, a terminal, a metric label or a DNS answer. A line
// break could forge a log line. A bidirectional mark could reorder a name (Unicode TR 36, section
// 2.5).
package printable

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line returns s as one line of printable text. An unprintable s becomes a Go string literal.
func Line(s string) string {
	if Is(s) {
		return s
	}
	return strconv.Quote(s)
}

// Is returns true if s is printable. Printable text is valid UTF-8. It has only letters, marks,
// numbers, punctuation, symbols and ASCII spaces.
func Is(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, unprintable) < 0
}

// Clean replaces each sequence of unprintable runes with one space. Unlike Line, it adds no quotes.
// Clean is for text that programs read, such as EXTRA-TEXT (RFC 8914, section 2).
func Clean(s string) string {
	// Remove soft hyphens, which are invisible. Keep the joiners U+200C and U+200D, which Indic and
	// Persian words need.
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\u00ad", "")
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return r == ' ' || unprintable(r) && r != '\u200c' && r != '\u200d'
	}), " ")
}

// Clip shortens s to at most the given number of bytes. If it removes text, it adds "...". It never
// cuts inside a rune. The "..." may exceed the limit.
func Clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	n := most
	for n > most-utf8.UTFMax && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "..."
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }
