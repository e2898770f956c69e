package register

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
	"unsafe"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"

	"github.com/dns-orders/blocklist/plugin/importer"
)

func charset(name string) (encoding.Encoding, error) {
	switch strings.ToLower(name) {
	case "", "utf-8", "utf8":
		return nil, nil
	}
	e, err := htmlindex.Get(name)
	if err != nil {
		return nil, fmt.Errorf("must be the name of a character set such as utf-8 or windows-1250, got %q", name)
	}
	return e, nil
}

func decode(text, name string) (string, error) {
	e, err := charset(name)
	if err != nil {
		return "", err
	}
	if e == nil {
		if !utf8.ValidString(text) {
			return "", fmt.Errorf("line %d is not UTF-8; the preset says that the register is UTF-8", invalidLine(text))
		}
		text, _ = strings.CutPrefix(text, "\uFEFF")
		if misread.MatchString(text) {
			return "", errors.New("is UTF-8 that was taken for another character set and written as UTF-8 again; get the file anew")
		}
		return text, nil
	}
	if isUTF8(text) {
		return "", fmt.Errorf("is UTF-8, and the preset says that the register is %s", name)
	}
	if text, err = decodeAll(e, text); err != nil {
		return "", err
	}
	// The decoder writes U+FFFD for an invalid byte.
	if at := strings.IndexRune(text, utf8.RuneError); at >= 0 {
		return "", fmt.Errorf("line %d has a byte that %s does not have", strings.Count(text[:at], "\n")+1, name)
	}
	return text, nil
}

func decodeAll(e encoding.Encoding, text string) (string, error) {
	m, ok := e.(*charmap.Charmap)
	if !ok {
		return e.NewDecoder().String(text)
	}
	var letters [256]rune
	var sizes [256]int
	for i := range letters {
		letters[i] = m.DecodeByte(byte(i))
		sizes[i] = utf8.RuneLen(letters[i])
	}
	size := 0
	for i := range len(text) {
		size += sizes[text[i]]
	}
	out := make([]byte, 0, size)
	from := 0 // the bytes before the offset "from" are decoded
	for i := range len(text) {
		if c := text[i]; c >= utf8.RuneSelf || letters[c] != rune(c) {
			out = utf8.AppendRune(append(out, text[from:i]...), letters[c])
			from = i + 1
		}
	}
	out = append(out, text[from:]...)
	return unsafe.String(unsafe.SliceData(out), len(out)), nil
}

// misread matches a byte order mark that was converted to UTF-8 twice.
var misread = regexp.MustCompile(`^ï»¿`)

func isUTF8(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return utf8.ValidString(text)
		}
	}
	return false
}

func invalidLine(text string) int {
	line := 1
	for len(text) > 0 {
		r, n := utf8.DecodeRuneInString(text)
		if r == utf8.RuneError && n == 1 {
			break
		}
		if r == '\n' {
			line++
		}
		text = text[n:]
	}
	return line
}

var htmlStart = regexp.MustCompile(`(?i)^\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|title|meta|script|h1)\b`)

func wrongFile(data []byte, format string) error {
	head := string(data[:min(len(data), 4096)])
	text := strings.TrimPrefix(head, "\uFEFF")
	zip := strings.HasPrefix(head, "PK\x03\x04")
	what, advice := importer.Magic(head)
	switch {
	case len(bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\uFEFF")))) == 0:
		return errors.New("is empty; an empty file does not make orders")
	case htmlStart.MatchString(text):
		return errors.New("is an HTML page, not the register; the download may have failed")
	case format == "xlsx" && !zip:
		return errors.New("is not an XLSX file")
	case format == "xlsx":
		return nil
	case zip:
		return errors.New("is an XLSX file or a ZIP archive; unpack the archive first")
	case strings.HasPrefix(head, "\x1f\x8b"):
		return errors.New("is a gzip file; unpack the file first")
	case what != "" && strings.Contains(advice, "blocklistctl import"): // the advice is about another command
		return fmt.Errorf("is %s; unpack the file first", what)
	case what != "":
		return fmt.Errorf("is %s; %s", what, advice)
	case 10*strings.Count(head, "\x00") > len(head): // each ASCII letter has a NUL byte in UTF-16
		return errors.New("is text in UTF-16; write it as UTF-8 first: iconv -f UTF-16LE -t UTF-8 FILE, or UTF-16BE")
	}
	end, name := lastOf(format)
	if at := longPart(data, end); at >= 0 {
		return fmt.Errorf("line %d: has more than %d MiB without %s; the file is broken, or the preset is of another register", bytes.Count(data[:at], []byte("\n"))+1, maxRun>>20, name)
	}
	if format != "xml" && format != "json" && bytes.IndexByte(data, '\r') >= 0 && bytes.IndexByte(data, '\n') < 0 {
		return errors.New("has the line ends of an old Macintosh; write line feeds first: tr '\\r' '\\n' < FILE")
	}
	return nil
}

const maxRun = 1 << 20

func lastOf(format string) (end byte, name string) {
	switch format {
	case "xml":
		return '<', "an element"
	case "json":
		return '"', "a quote"
	}
	return '\n', "a line end"
}

func longPart(data []byte, end byte) int {
	for at := 0; len(data)-at > maxRun; {
		n := bytes.LastIndexByte(data[at:at+maxRun], end)
		if n < 0 {
			if data[at+maxRun] == end {
				at += maxRun + 1
				continue
			}
			return at
		}
		at += n + 1
	}
	return -1
}

func tidy(s string) string {
	odd, blank := false, true
	for _, c := range s {
		switch {
		case c == ' ':
			odd, blank = odd || blank, true
		case c < ' ' || c >= utf8.RuneSelf && unicode.IsSpace(c):
			return strings.Join(strings.Fields(s), " ")
		default:
			blank = false
		}
	}
	if odd || blank {
		return strings.Join(strings.Fields(s), " ")
	}
	return s
}
