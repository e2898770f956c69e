package order

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

var notText = []struct{ begins, say string }{
	{"%PDF-", "is a PDF; copy its text into a plain text file"},
	{"PK\x03\x04", "is a zip file, as Word, Excel and LibreOffice write; save the text as plain text"},
	{"\xd0\xcf\x11\xe0", "is a Word or Excel file; save the text as plain text"},
	{`{\rtf`, "is rich text (RTF); save it as plain text"},
	{"<", "is HTML or XML, perhaps a page that was saved in place of the file"},
	{"\x1f\x8b", "is compressed (gzip); unpack it"},
	{"\xff\xfe", "is UTF-16; save it as UTF-8"},
	{"\xfe\xff", "is UTF-16; save it as UTF-8"},
}

func plainText(data []byte, line int) error {
	if line == 1 {
		if err := isText(data); err != nil {
			return err
		}
	}
	return validUTF8(data, line)
}

func isText(data []byte) error {
	start := bytes.ToLower(bytes.TrimLeft(data[:min(len(data), 256)], " \t\r\n"))
	for _, f := range notText {
		if bytes.HasPrefix(data, []byte(f.begins)) || f.begins == "<" && bytes.HasPrefix(start, []byte(f.begins)) {
			return &syntaxError{line: 1, col: 1, msg: f.say}
		}
	}
	if len(data) > 3 && (data[0] == 0) != (data[1] == 0) && (data[2] == 0) == (data[0] == 0) && (data[3] == 0) == (data[1] == 0) {
		return &syntaxError{line: 1, col: 1, msg: "is UTF-16; save it as UTF-8"}
	}
	return nil
}

func validUTF8(data []byte, line int) error {
	if utf8.Valid(data) {
		return nil
	}
	start := 0
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			public := fmt.Sprintf("is not valid UTF-8; save the file as UTF-8, got byte 0x%02x", data[i])
			msg := public
			if c := windows1252(data[i]); c != 0 {
				msg = fmt.Sprintf("is not valid UTF-8; if byte 0x%02x is meant to be %q, the file was saved as Windows-1252: save it as UTF-8", data[i], c)
			}
			return &taughtError{&syntaxError{line, utf8.RuneCount(data[start:i]) + 1, msg}, public}
		}
		if r == '\n' {
			line, start = line+1, i+1
		}
		i += size
	}
	return nil
}

var c1 = []rune("€ ‚ƒ„…†‡ˆ‰Š‹Œ Ž  ‘’“”•–—˜™š›œ žŸ")

func windows1252(b byte) rune {
	switch {
	case b > 0xa0:
		return rune(b)
	case b >= 0x80 && b < 0xa0 && c1[b-0x80] != ' ':
		return c1[b-0x80]
	}
	return 0
}
