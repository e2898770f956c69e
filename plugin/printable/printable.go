// Package printable makes text safe to show in a log, a terminal, a metric label or a DNS
// answer. The text comes from order files, file names and clients.
//
// The authors of order files are not the operator of the server. Without this package, a line
// break in a text would forge a log line, and an escape sequence would change the reader's
// terminal. A bidirectional mark (Unicode TR 36, section 2.5) would show the letters of a name
// in another order.
package printable

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line returns s as one line of printable text. If s is already printable, Line returns s
// unchanged. Otherwise Line returns s as a Go string literal in double quotes, with an escape
// for each unprintable rune and for each byte that is not UTF-8. The quotes and the escapes
// make sure that two different texts never look the same.
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

// Clean returns s with one space in place of each sequence of unprintable runes, and without
// spaces at both ends of s. Clean is for text that programs read, such as EXTRA-TEXT of an
// extended DNS error (RFC 8914, section 2), in which quotes would only disturb. Clean keeps
// the zero-width joiner and non-joiner, because Indic and Persian words need these two runes.
// Clean removes soft hyphens, because they are invisible inside words.
func Clean(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\u00ad", "")
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return r == ' ' || unprintable(r) && r != '\u200c' && r != '\u200d'
	}), " ")
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }
