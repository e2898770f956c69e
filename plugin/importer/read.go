package importer

import (
	"fmt"
	"io"
	"io/fs"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The limits protect the memory, because the importer reads the whole list first. The longest known
// list has 140,000 names.
const (
	MaxSize  = 64 << 20
	maxLines = 2 << 20
)

// ErrSize is the error for a file that is too large.
var ErrSize = fmt.Errorf("is larger than %d MiB or has more than %d lines, which no list of names has", MaxSize>>20, maxLines)

func readAll(r io.Reader) (string, error) {
	var data strings.Builder
	if f, ok := r.(fs.File); ok {
		if info, err := f.Stat(); err == nil && info.Size() <= MaxSize {
			data.Grow(int(info.Size()))
		}
	}
	n, err := io.Copy(&data, io.LimitReader(r, MaxSize+1))
	if err != nil {
		return "", err
	}
	if n > MaxSize || strings.Count(data.String(), "\n") > maxLines {
		return "", ErrSize
	}
	return data.String(), nil
}

// A line is one line of the list.
type line struct {
	raw   string  // the line as it was read, converted to UTF-8 if possible
	text  string  // the text of source without blanks and invisible characters at both ends
	whole *joined // nil if no line was joined to this line
	found *found  // the findings about the line; nil for most lines
}

// A joined is the text of several lines.
type joined struct {
	text string
	rest []Rest // all lines except the first
}

func (l *line) source() string {
	if l.whole != nil {
		return l.whole.text
	}
	return l.raw
}

// rest returns the lines that were joined to this line.
func (l *line) rest() []Rest {
	if l.whole != nil {
		return l.whole.rest
	}
	return nil
}

func (l *line) join(text string) {
	l.whole, l.text = &joined{text, l.rest()}, text
}

type found struct {
	passed  string // the reason why the line needs no name
	refused string // the reason why the line is refused
	needs   Form   // the undecided form that caused the refusal
	after   int    // the number of an earlier line that may begin the name, or 0
	did     string
	warning string
	glued   bool // the line begins with a number of an enumeration
}

func (l *line) mark() *found {
	if l.found == nil {
		l.found = new(found)
	}
	return l.found
}

func (l *line) open() bool { return l.found == nil || l.found.passed == "" && l.found.refused == "" }

func (l *line) hasText() bool { return l.open() && l.text != "" && l.text[0] != '#' }

func simple(s string) bool {
	if s == "" || !strings.Contains(s, ".") || !plainName(s) {
		return false
	}
	first, last := s[0], s[len(s)-1]|0x20
	return first != '-' && first != '.' && 'a' <= last && last <= 'z'
}

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
			l.mark().refused, l.text = fmt.Sprintf("is longer than %d bytes", maxLine), ""
		} else if s, ok := decode(raw); !ok {
			*l.mark(), l.text = found{refused: "has bytes that are not in the character set", needs: Charset}, ""
		} else {
			l.raw, l.text = s, strip(s)
		}
		lines = append(lines, l)
	}
	im.out.Lines = len(lines)
	return lines, nil
}

func strip(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || invisible(r) })
}

var signatures = []struct{ magic, format, advice string }{
	{"%PDF", "a PDF document", "write its text first: pdftotext -layout FILE"},
	{"PK\x03\x04", "a ZIP archive, an Excel workbook or a Word document", "unpack the archive; blocklistctl import register PRESET FILE reads XLSX with a preset"},
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

// Magic finds the format of a binary file by the first bytes. The second result is advice for the
// user. Both results are empty for an unknown format.
func Magic(head string) (format, advice string) {
	for _, s := range signatures {
		if strings.HasPrefix(head, s.magic) {
			return s.format, s.advice
		}
	}
	return "", ""
}

func foreignBytes(data string, charset string) error {
	if format, advice := Magic(data); format != "" {
		return &FormatError{format, 1, firstLine(data), advice}
	}
	if at := strings.IndexByte(data, 0); at >= 0 {
		bad := &FormatError{"not text", lineAt(data, at), lineText(data, at), "save the names as text in UTF-8"}
		if n := strings.Count(data, "\x00"); 5*n >= 2*len(data) { // in UTF-16 each ASCII letter has a zero byte
			bad.Format, bad.Advice = "text in UTF-16", "write it as UTF-8 first: iconv -f UTF-16LE -t UTF-8 FILE, or UTF-16BE"
		}
		return bad
	}
	if at := strings.IndexByte(data, '\r'); at >= 0 && !strings.Contains(data, "\n") && len(strings.TrimRight(data, "\r")) > at {
		return &FormatError{"text with the line ends of an old Macintosh", 1, firstLine(data), `write it with line feeds first: tr '\r' '\n' < FILE`}
	}
	return foreignCharset(data, charset)
}

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

// Bytes 0xc0 to 0xdf are small letters in KOI8, and capitals in Windows-1251.
func koi8(data string) bool {
	runs, lower, upper := highRuns(data)
	return runs && lower >= 4 && lower > 2*upper
}

func lineAt(data string, at int) int { return strings.Count(data[:at], "\n") + 1 }

func lineText(data string, at int) string {
	return firstLine(data[strings.LastIndexByte(data[:at], '\n')+1:])
}

func firstLine(data string) string {
	text, _, _ := strings.Cut(data[:min(len(data), maxRaw)], "\n")
	return strings.TrimSuffix(text, "\r")
}

// A FormatError is the error for a file that is not a plain list.
type FormatError struct {
	Format string // the format that the file seems to have
	Line   int    // number of the line that shows the format
	Text   string // text of the line that shows the format, not yet safe to print
	Advice string // advice for the user
}

// Error implements error.
func (e *FormatError) Error() string {
	return fmt.Sprintf("is probably %s, not a plain list of names, because of line %d: %q; nothing was imported; %s; --plain reads each line as a name",
		e.Format, e.Line, shorten(e.Text), e.Advice)
}
