package importer

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A list is read whole, because only the whole file shows what its format is. The
// longest list that is known has 140,000 names; these bounds leave room for some
// million names and keep a wrong file from taking the machine's memory.
const (
	MaxSize  = 64 << 20
	maxLines = 2 << 20
)

// ErrSize is the error for a list that is larger than any list of names.
var ErrSize = fmt.Errorf("is larger than %d MiB or has more than %d lines, which no list of names has", MaxSize>>20, maxLines)

// readAll reads at most MaxSize octets.
func readAll(r io.Reader) (string, error) {
	var data strings.Builder
	n, err := io.Copy(&data, io.LimitReader(r, MaxSize+1))
	if err != nil {
		return "", err
	}
	if n > MaxSize || strings.Count(data.String(), "\n") > maxLines {
		return "", ErrSize
	}
	return data.String(), nil
}

// line is one line of a list.
type line struct {
	raw   string // as it was read, in UTF-8 if the line could be decoded
	text  string // raw without the blanks and the invisible characters around it
	found *found // nil for most lines
}

// found is what is known of a line before the line is cleaned.
type found struct {
	passed  string // why the line needs no name
	refused string // why the line is refused
	needs   Form   // the form whose decision would let the line in
	did     string
	warning string
}

// mark returns what is known of the line, to be changed.
func (l *line) mark() *found {
	if l.found == nil {
		l.found = new(found)
	}
	return l.found
}

// open reports whether the line is still to be cleaned.
func (l *line) open() bool { return l.found == nil || l.found.passed == "" && l.found.refused == "" }

// hasText reports whether the line is open and is neither blank nor a comment.
func (l *line) hasText() bool { return l.open() && l.text != "" && l.text[0] != '#' }

// simple reports whether a line is one ASCII host name with a dot, as nearly all lines of
// long lists are. Such a line is no page line, no row of a table and no half of a name.
func simple(s string) bool {
	if s == "" || !strings.Contains(s, ".") || !plainName(s) {
		return false
	}
	first, last := s[0], s[len(s)-1]|0x20
	return first != '-' && first != '.' && 'a' <= last && last <= 'z'
}

// split takes the octets apart into lines in UTF-8.
func (im *imports) split(data string, decode func(string) (string, bool)) ([]line, error) {
	if cut, ok := strings.CutPrefix(data, "\uFEFF"); ok {
		data, im.out.BOM = cut, true
	}
	lines := make([]line, 0, strings.Count(data, "\n")+1)
	for raw := range strings.Lines(data) {
		raw = strings.TrimSuffix(raw, "\n")
		if cut, ok := strings.CutSuffix(raw, "\r"); ok {
			raw, im.out.CRLF = cut, true
		}
		l := line{raw: raw, text: raw}
		if len(raw) > maxLine {
			l.mark().refused, l.text = fmt.Sprintf("the line is longer than %d octets", maxLine), ""
		} else if s, ok := decode(raw); !ok {
			*l.mark(), l.text = found{refused: "the line is not in the list's character set", needs: Charset}, ""
		} else {
			l.raw, l.text = s, strip(s)
		}
		lines = append(lines, l)
	}
	im.out.Lines = len(lines)
	return lines, nil
}

// strip takes blanks, control characters and invisible characters off both ends.
func strip(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || invisible(r) })
}

// signatures are the first octets of files that are no text, with the name of the format
// and what to do.
var signatures = []struct{ magic, format, advice string }{
	{"%PDF", "a PDF document", "write its text first: pdftotext -layout FILE"},
	{"PK\x03\x04", "a ZIP archive, an Excel workbook or a Word document", "unpack the archive, or save the column of names as text in UTF-8"},
	{"\xd0\xcf\x11\xe0", "an old Excel or Word document", "save the column of names as text in UTF-8"},
	{"\x1f\x8b", "a gzip file", "unpack it first: gunzip -c FILE | blocklistctl import domains - ..."},
	{"BZh", "a bzip2 file", "unpack it first: bunzip2 -c FILE | blocklistctl import domains - ..."},
	{"\xfd7zXZ\x00", "an xz file", "unpack it first: xz -dc FILE | blocklistctl import domains - ..."},
	{"\x28\xb5\x2f\xfd", "a zstd file", "unpack it first: zstd -dc FILE | blocklistctl import domains - ..."},
	{"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "unpack the archive"},
	{"Rar!", "a RAR archive", "unpack the archive"},
	{"\x89PNG", "a picture", "type the names"},
	{"\xff\xd8\xff", "a picture", "type the names"},
	{"{\\rtf", "an RTF document", "save it as text in UTF-8"},
	{"\xff\xfe\x00\x00", "text in UTF-32", "write it as UTF-8 first: iconv -f UTF-32 -t UTF-8 FILE"},
	{"\xff\xfe", "text in UTF-16", "write it as UTF-8 first: iconv -f UTF-16 -t UTF-8 FILE"},
	{"\xfe\xff", "text in UTF-16", "write it as UTF-8 first: iconv -f UTF-16 -t UTF-8 FILE"},
}

// foreignBytes looks for files that are no text, or are text in another character set
// than the caller said. Nil means that the octets may be a list.
func foreignBytes(data string, charset string) error {
	for _, s := range signatures {
		if strings.HasPrefix(data, s.magic) {
			return &FormatError{s.format, 1, firstLine(data), s.advice}
		}
	}
	if at := strings.IndexByte(data, 0); at >= 0 {
		bad := &FormatError{"not text", lineAt(data, at), lineText(data, at), "save the names as text in UTF-8"}
		if n := strings.Count(data, "\x00"); 5*n >= 2*len(data) { // each ASCII letter has an octet 0 beside it
			bad.Format, bad.Advice = "text in UTF-16", "write it as UTF-8 first: iconv -f UTF-16LE -t UTF-8 FILE, or UTF-16BE"
		}
		return bad
	}
	if at := strings.IndexByte(data, '\r'); at >= 0 && !strings.Contains(data, "\n") && len(strings.TrimRight(data, "\r")) > at {
		return &FormatError{"text with the line ends of an old Macintosh", 1, firstLine(data), `write it with line feeds first: tr '\r' '\n' < FILE`}
	}
	return foreignCharset(data, charset)
}

// foreignCharset looks for a character set that is not the caller's.
func foreignCharset(data string, charset string) error {
	at := strings.IndexFunc(data, func(r rune) bool { return r >= utf8.RuneSelf })
	if at < 0 {
		return nil
	}
	if set := strings.ToLower(charset); set == "" || set == "utf-8" || set == "utf8" {
		return notUTF8(data)
	}
	if utf8.ValidString(data) {
		return &FormatError{"text in UTF-8, not in " + charset, lineAt(data, at), lineText(data, at), "leave --charset out"}
	}
	if strings.HasSuffix(charset, "1251") && koi8(data) {
		return &FormatError{"text in KOI8, not in " + charset, lineAt(data, at), lineText(data, at), "write it as UTF-8 first: iconv -f KOI8-U -t UTF-8 FILE"}
	}
	return nil
}

// notUTF8 returns the error for the first octet that is not UTF-8, nil without one.
func notUTF8(data string) error {
	if utf8.ValidString(data) {
		return nil
	}
	at := 0
	for at < len(data) {
		r, n := utf8.DecodeRuneInString(data[at:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		at += n
	}
	bad := &FormatError{"", lineAt(data, at), lineText(data, at), ""}
	switch runs, _, _ := highRuns(data); {
	case !runs:
		bad.Format = "text in a character set for Latin letters, such as Windows-1250 or Windows-1252"
		bad.Advice = "--charset cp1250 reads Windows-1250; write Windows-1252 as UTF-8 first: iconv -f WINDOWS-1252 -t UTF-8 FILE"
	case koi8(data):
		bad.Format = "text in KOI8"
		bad.Advice = "write it as UTF-8 first: iconv -f KOI8-U -t UTF-8 FILE"
	default:
		bad.Format = "text in a character set for Cyrillic letters, such as Windows-1251"
		bad.Advice = "--charset cp1251 reads Windows-1251"
	}
	return bad
}

// highRuns reports whether octets above ASCII mostly stand beside each other, as in
// Cyrillic words, and counts those in the two halves of the range of letters.
func highRuns(data string) (runs bool, lower, upper int) {
	high, beside := 0, 0
	for i := range len(data) {
		c := data[i]
		if c < utf8.RuneSelf {
			continue
		}
		high++
		if i > 0 && data[i-1] >= utf8.RuneSelf || i+1 < len(data) && data[i+1] >= utf8.RuneSelf {
			beside++
		}
		if c >= 0xe0 {
			upper++
		} else if c >= 0xc0 {
			lower++
		}
	}
	return beside*2 > high, lower, upper
}

// koi8 reports whether the text is Cyrillic and has its small letters where KOI8 has
// them. Windows-1251 has capitals there, and lists of names have few capitals.
func koi8(data string) bool {
	runs, lower, upper := highRuns(data)
	return runs && lower >= 4 && lower > 2*upper
}

// lineAt returns the number of the line with the octet.
func lineAt(data string, at int) int { return strings.Count(data[:at], "\n") + 1 }

// lineText returns the line with the octet.
func lineText(data string, at int) string {
	return firstLine(data[strings.LastIndexByte(data[:at], '\n')+1:])
}

func firstLine(data string) string {
	text, _, _ := strings.Cut(data[:min(len(data), maxRaw)], "\n")
	return strings.TrimSuffix(text, "\r")
}

// FormatError is the error for a file that is no plain list.
type FormatError struct {
	Format string // what the file seems to be
	Line   int    // the line that shows it
	Text   string // the text of that line, which may be anything
	Advice string // what to do
}

// Error describes the file, the line and the way out. The text of the line is quoted.
func (e *FormatError) Error() string {
	return fmt.Sprintf("seems to be %s, not a plain list of names: line %d: %q; nothing was imported; %s; --plain reads each line as a name all the same",
		e.Format, e.Line, shorten(e.Text), e.Advice)
}
