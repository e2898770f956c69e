package register

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
)

// charset returns the character set with a name like windows-1250, or nil for UTF-8.
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

// decode converts a file from a character set to UTF-8. Bytes outside the character set
// are an error.
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
	if text, err = e.NewDecoder().String(text); err != nil {
		return "", err
	}
	// The decoder writes U+FFFD for a byte that the character set does not have.
	if at := strings.IndexRune(text, utf8.RuneError); at >= 0 {
		return "", fmt.Errorf("line %d has a byte that %s does not have", strings.Count(text[:at], "\n")+1, name)
	}
	return text, nil
}

// misread matches the start of a file whose byte order mark was converted twice.
var misread = regexp.MustCompile(`^ï»¿`)

// isUTF8 reports whether the data is UTF-8 and has letters outside ASCII.
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

var htmlStart = regexp.MustCompile(`(?i)^\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b`)

// wrongFile returns an error if a file is clearly not a register, for example an HTML page.
func wrongFile(data []byte, format string) error {
	head := data[:min(len(data), 4096)]
	switch {
	case len(strings.TrimSpace(string(head))) == 0 && len(data) <= 4096:
		return errors.New("is empty; an empty file does not make orders")
	case htmlStart.Match(head):
		return errors.New("is an HTML page, not the register; the download may have failed")
	case format == "xlsx" && !strings.HasPrefix(string(head), "PK"):
		return errors.New("is not an XLSX file")
	case format != "xlsx" && strings.HasPrefix(string(head), "PK\x03\x04"):
		return errors.New("is an XLSX file or a ZIP archive; unpack the archive first")
	case strings.HasPrefix(string(head), "%PDF"):
		return errors.New("is a PDF document; write its text first: pdftotext -layout FILE")
	case strings.HasPrefix(string(head), "\x1f\x8b"):
		return errors.New("is a gzip file; unpack the file first")
	}
	return nil
}

// tidy removes blanks at both ends of a cell. Several blanks inside the cell become one.
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
