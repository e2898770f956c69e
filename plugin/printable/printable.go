// Package printable makes text safe to show in a log, a terminal, a metric label or a DNS
// answer. Without it, a line break in an order file could forge a log line, and a
// bidirectional mark (Unicode TR 36, section 2.5) could reorder a name.
package printable

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line returns s as one line of printable text. If s is not printable, Line returns a Go
// string literal with quotes and escapes, so that two different texts never look the same.
func Line(s string) string {
	if Is(s) {
		return s
	}
	return strconv.Quote(s)
}

// Is reports whether s is valid UTF-8 and has only letters, marks, numbers,
// punctuation, symbols and the ASCII space. Line breaks, tabs, control characters,
// bidirectional marks, zero-width characters and other spaces are not printable.
func Is(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, unprintable) < 0
}

// Clean returns s with one space for each sequence of unprintable runes, and without outer
// spaces. Programs read the text, for example EXTRA-TEXT (RFC 8914, section 2), so quotes
// would disturb.
func Clean(s string) string {
	// A soft hyphen is invisible inside a word. The joiners U+200C and U+200D stay, because
	// Indic and Persian words need them.
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\u00ad", "")
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return r == ' ' || unprintable(r) && r != '\u200c' && r != '\u200d'
	}), " ")
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }
