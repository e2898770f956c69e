package register

import (
	"archive/zip"
	"bytes"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/test/registers"
)

func said(t *testing.T, p *Preset, data []byte, opt Options) string {
	t.Helper()
	res, err := Import(p, data, opt)
	switch {
	case err != nil:
		return err.Error()
	case res.Content != nil:
		return ""
	}
	return "problems: " + strings.Join(res.Problems, "\n")
}

// utf16Of returns a text in UTF-16.
func utf16Of(text string, big bool) (b []byte) {
	for _, u := range utf16.Encode([]rune(text)) {
		if big {
			b = append(b, byte(u>>8), byte(u))
		} else {
			b = append(b, byte(u), byte(u>>8))
		}
	}
	return b
}

func TestForms(t *testing.T) {
	for _, e := range registers.Examples(t) {
		p, opt := load(t, e.Preset), edition(t, &e, &e.First, nil)
		lf := bytes.TrimPrefix(bytes.ReplaceAll(e.Bytes(t, &e.First), []byte("\r\n"), []byte("\n")), []byte("\uFEFF"))
		forms := map[string][]byte{"LF": lf, "CRLF": bytes.ReplaceAll(lf, []byte("\n"), []byte("\r\n")), "no last line end": bytes.TrimSuffix(lf, []byte("\n"))}
		if e.Charset == "" {
			forms["byte order mark"] = append([]byte("\uFEFF"), lf...)
		}
		for name, data := range forms {
			_, out := imported(t, p, data, opt)
			compare(t, e.Preset+", "+name, contents(t, out), wanted(&e.First))
		}
	}
}

func TestHostile(t *testing.T) {
	var bomb bytes.Buffer
	z := zip.NewWriter(&bomb)
	w, err := z.Create("xl/workbook.xml")
	if err != nil {
		t.Fatal(err)
	}
	for range 200 {
		if _, err := w.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	excel, err := Parse("x", []byte("preset: x\ntitle: An example\nseen: none\nformat: xlsx\nlayouts: [{columns: {name: DOMAIN}}]\norder: {authority: {name: Example Authority}, scope: global}\nid: x\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := said(t, excel, bomb.Bytes(), options(nil, order.NoTime)); !strings.Contains(got, "XLSX") {
		t.Errorf("a ZIP bomb: %q", got)
	}
	for _, e := range registers.Examples(t) {
		p, opt := load(t, e.Preset), edition(t, &e, &e.First, nil)
		whole := e.Bytes(t, &e.First)
		for _, tc := range []struct {
			name string
			data []byte
			want string
		}{
			{"UTF-16 little", utf16Of("\uFEFF"+e.First.Text, false), "is text in UTF-16"},
			{"UTF-16 big", utf16Of("\uFEFF"+e.First.Text, true), "is text in UTF-16"},
			{"UTF-16 little without a mark", utf16Of(strings.TrimPrefix(e.First.Text, "\uFEFF"), false), "is text in UTF-16"},
			{"UTF-16 big without a mark", utf16Of(strings.TrimPrefix(e.First.Text, "\uFEFF"), true), "is text in UTF-16"},
			{"UTF-32", []byte("\xff\xfe\x00\x00a\x00\x00\x00"), "is text in UTF-32"},
			{"HTML", []byte("\uFEFF <!DOCTYPE html><html>"), "is an HTML page"},
			{"HTML without a doctype", []byte("<title>Not found</title><h1>Not found</h1>\n"), "is an HTML page"},
			{"XHTML", []byte("<?xml version=\"1.0\"?>\n<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\"></html>"), "is an HTML page"},
			{"a picture", []byte("\x89PNG\r\n\x1a\n\x00\x00"), "is a picture"},
			{"old Excel", []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), "is an old Excel or Word document"},
			{"bzip2", []byte("BZh91AY"), "is a bzip2 file; unpack the file first"},
			{"a ZIP bomb", bomb.Bytes(), "is an XLSX file or a ZIP archive"},
			{"a byte order mark", []byte("\uFEFF"), "is empty"},
			{"blanks", bytes.Repeat([]byte(" \r\n"), 5000), "is empty"},
			{"a long line", append(bytes.Clone(whole), bytes.Repeat([]byte("a"), maxRun+2)...), "has more than 1 MiB without"},
			{"a long first line", append(bytes.Repeat([]byte("a"), maxRun+2), whole...), "line 1: has more than 1 MiB without"},
			{"a long word", append(bytes.Clone(whole), bytes.Repeat([]byte("a"), maxRun/2)...), ""}, // only the length of the reason
			{"an error in JSON", []byte(`{"error":"not found","code":404}`), " "},
			{"an error in text", []byte("404 page not found\n"), " "},
			{"an error in XML", []byte("<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code></Error>\n"), " "},
		} {
			got := said(t, p, tc.data, opt)
			if !strings.Contains(got, tc.want) {
				t.Errorf("%s, %s: got %q, want %q", e.Preset, tc.name, got, tc.want)
			}
			if len(got) > 2000 {
				t.Errorf("%s, %s: a reason of %d bytes", e.Preset, tc.name, len(got))
			}
		}
		hostileFormat(t, p, &e, opt)
	}
}

func hostileFormat(t *testing.T, p *Preset, e *registers.Example, opt Options) {
	t.Helper()
	whole := e.Bytes(t, &e.First)
	lines := bytes.SplitAfter(whole, []byte("\n"))
	insert := func(at int, text string) []byte {
		return bytes.Join([][]byte{bytes.Join(lines[:at], nil), []byte(text), bytes.Join(lines[at:], nil)}, nil)
	}
	cases := map[string]struct {
		data []byte
		want string
	}{}
	add := func(name string, data []byte, want string) {
		cases[name] = struct {
			data []byte
			want string
		}{data, want}
	}
	if p.Format != "lines" && len(lines) > 2 { // the first line of a list is a name, and a JSON file may be one line
		add("the first line alone", lines[0], " ")
	}
	if p.Format == "table" {
		add("100 columns", append(bytes.Clone(whole), strings.Repeat(p.Separator+"x", 100)+"\n"...), "1 row refused")
		add("a NUL byte", insert(len(lines)/2, "a\x00b.example.com\n"), "1 row refused")
		add("twice", append(bytes.Clone(whole), whole...), "problems: ")
	}
	if p.Format == "table" && p.Quote == "" {
		add("a broken quote", insert(len(lines)/2, `"`), "is not CSV")
		add("a long quoted cell", insert(len(lines)/2, `"`+strings.Repeat("a\n", maxRun)), "a quote may be missing")
	}
	if p.Format == "xml" {
		add("twice", append(bytes.Clone(whole), whole...), "is not XML")
		add("a second root", append(bytes.Clone(whole), "<other/>"...), "has a second root element")
		add("text after the end", append(bytes.Clone(whole), "oops"...), "has text outside its root element")
	}
	if p.Format == "json" {
		add("twice", append(bytes.Clone(whole), whole...), "has text after the JSON document")
	}
	if p.Format != "xml" && p.Format != "json" {
		add("old line ends", bytes.ReplaceAll(bytes.ReplaceAll(whole, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r")), "has the line ends of an old Macintosh")
	}
	for name, tc := range cases {
		if got := said(t, p, tc.data, opt); !strings.Contains(got, tc.want) {
			t.Errorf("%s, %s: got %q, want %q", e.Preset, name, got, tc.want)
		}
	}
}
