package order

import (
	"strings"
	"testing"
)

func TestPlainText(t *testing.T) {
	utf16 := func(s string, big bool) string {
		var b strings.Builder
		for _, c := range []byte(s) {
			if big {
				b.Write([]byte{0, c})
			} else {
				b.Write([]byte{c, 0})
			}
		}
		return b.String()
	}
	const good = "version: 1\norders: []\n"
	for _, tc := range []struct{ text, want, public string }{
		{"version: 1\n# Caf\xe9\norders: []\n", `a:2:6: is not valid UTF-8; if byte 0xe9 is meant to be 'é', the file was saved as Windows-1252: save it as UTF-8`, `a:2:6: is not valid UTF-8; save the file as UTF-8, got byte 0xe9`},
		{"# \x93Court\x94\n" + good, `a:1:3: is not valid UTF-8; if byte 0x93 is meant to be '“', the file was saved as Windows-1252: save it as UTF-8`, `a:1:3: is not valid UTF-8; save the file as UTF-8, got byte 0x93`},
		{"# \x81\n" + good, `a:1:3: is not valid UTF-8; save the file as UTF-8, got byte 0x81`, ""},
		{"\xff\xfe" + utf16(good, false), `a:1:1: is UTF-16; save it as UTF-8`, ""},
		{"\xfe\xff" + utf16(good, true), `a:1:1: is UTF-16; save it as UTF-8`, ""},
		{utf16(good, false), `a:1:1: is UTF-16; save it as UTF-8`, ""},
		{utf16(good, true), `a:1:1: is UTF-16; save it as UTF-8`, ""},
		{"%PDF-1.7\n%\xe2\xe3", `a:1:1: is a PDF; copy its text into a plain text file`, ""},
		{"PK\x03\x04\x14\x00\x06\x00", `a:1:1: is a zip file, as Word, Excel and LibreOffice write; save the text as plain text`, ""},
		{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", `a:1:1: is a Word or Excel file; save the text as plain text`, ""},
		{`{\rtf1\ansi version: 1}`, `a:1:1: is rich text (RTF); save it as plain text`, ""},
		{"<!DOCTYPE html>\n<html>", `a:1:1: is HTML or XML, perhaps a page that was saved in place of the file`, ""},
		{"<?xml version=\"1.0\"?>", `a:1:1: is HTML or XML, perhaps a page that was saved in place of the file`, ""},
		{"\x1f\x8b\x08\x00", `a:1:1: is compressed (gzip); unpack it`, ""},
	} {
		for _, ext := range []string{".yaml", ".json", ".jsonl"} {
			if ext == ".jsonl" && strings.HasPrefix(tc.text, "version") {
				continue // another error as JSON Lines
			}
			_, problems := Parse("a"+ext, strings.NewReader(tc.text), Options{})
			if len(problems) != 1 {
				t.Errorf("%q: %v", tc.text, problems)
				continue
			}
			public := tc.public
			if public == "" {
				public = tc.want
			}
			trim := func(s string) string { return strings.Replace(s, "a"+ext, "a", 1) }
			if got := trim(problems[0].Error()); got != tc.want {
				t.Errorf("%q, %s:\ngot  %s\nwant %s", tc.text, ext, got, tc.want)
			}
			if got := trim(problems[0].Redacted()); got != public {
				t.Errorf("%q, %s:\nlogged %s\nwant   %s", tc.text, ext, got, public)
			}
		}
	}
}

// The corrected line in advice may contain a secret target.
func TestAdviceIsNotLogged(t *testing.T) {
	_, problems := parseString(t, "version: 1\norders:\n- id: a\n  disclosure: none\n  subject: secret.example: all\n")
	if got, want := problems[0].Error(), `a.yaml:5:3: is not YAML: a text with ": " in it needs quotes; write subject: "secret.example: all"`; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if got, want := problems[0].Redacted(), `a.yaml:5:3: is not YAML: a text with ": " in it needs quotes`; got != want {
		t.Errorf("logged %s\nwant %s", got, want)
	}
}
