// Package printable makes text from order files, file names and clients safe to show to
// a person in a log, a terminal, a metric label or a DNS answer.
//
// Order files come from other people. A line break in a reference would forge a log
// line, an escape sequence would change the reader's terminal, and a bidirectional mark
// (Unicode TR 36, section 2.5) would show a name in another order than it has.
package printable

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line returns s as one line of printable text. Text that is printable already is
// returned unchanged. All other text is returned as a Go string literal in double
// quotes, in which each unprintable rune and each byte that is not UTF-8 is escaped, so
// that two different texts never look the same.
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

// Clean returns s with each run of unprintable runes replaced by one space, and without
// spaces at its ends. Clean is for text that a program reads, such as EXTRA-TEXT of an
// extended DNS error (RFC 8914, section 2), where quotes would be noise. Clean keeps the
// zero-width joiner and non-joiner, because Indic and Persian words need them. Clean
// removes soft hyphens, which stand inside words and are not shown.
func Clean(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\u00ad", "")
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return r == ' ' || unprintable(r) && r != '\u200c' && r != '\u200d'
	}), " ")
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }
