package importer

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf16"
)

var decideAll = map[Form]string{Mask: "subtree", Paths: "name", Ports: "name", Addresses: "network",
	TextAfter: "drop", AddressAfter: "drop", Several: "split", Hyphen: "separate"}

func utf16Text(s string) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(s)) {
		b.WriteByte(byte(u))
		b.WriteByte(byte(u >> 8))
	}
	return b.String()
}

func TestFormats(t *testing.T) {
	const names = "one.example.com\ntwo.example.com\n"
	for _, tc := range []struct {
		list   string
		format string // a part of the name of the format
		line   int
	}{
		{"; example.com\n" + names, "zone or RPZ", 1},
		{"good.example.com CNAME rpz-passthru.\n" + names, "zone or RPZ", 1},
		{"example.com,2023-10-23,2023-11-03\n", "two dates in one row", 1},
		{"example.com,Легальний,,,2025-11-05\n", "not blocked", 1},
		{"example.com.rpz.example.net. 300 IN CNAME .\n", "zone or RPZ", 1},
		{"example.com##.ad\n", "adblock", 1},
		{"example.com#@#.ad\n", "adblock", 1},

		// These lists are zone files.
		{names + ";example.net\n", "zone or RPZ", 3},
		{";; removed\nexample.net\n", "zone or RPZ", 1},
		{"$ORIGIN rpz.example.net.\nexample.com CNAME .\n", "zone or RPZ", 1},
		{"$TTL 300\n", "zone or RPZ", 1},
		{"@ IN SOA ns.example.net. root.example.net. (\n", "zone or RPZ", 1},
		{"good.example.com\t300\tIN\tCNAME\trpz-passthru.\n", "zone or RPZ", 1},
		{"good.example.com cname rpz-passthru.\n", "zone or RPZ", 1},
		{"example.com CNAME .\n", "zone or RPZ", 1},
		{"example.com 60 A 192.0.2.1\n", "zone or RPZ", 1},
		{"example.com a 192.0.2.1\n", "zone or RPZ", 1},
		{"example.com AAAA 2001:db8::1\n", "zone or RPZ", 1},
		{"24.0.2.0.192.rpz-ip\n", "zone or RPZ", 1},
		{"example.com.rpz.example.net\n", "zone or RPZ", 1},
		{"example.com.rpz-list.example.net\n", "zone or RPZ", 1},
		{"a.example.com.block.example.net\nexample.org.block.example.net\n*.example.net.block.example.net\n", "owner names of a zone", 1},

		// These lists are tables.
		{"Domain;Added;Removed\nexample.com;2023-10-23;\n", "not blocked", 1},
		{"domain,added,ended\nexample.com,2023-10-23,\n", "a table", 1},
		{"domain,enddate\nexample.com,2023-10-23\n", "a table", 1},
		{"example.com,2023-10-23,\nexample.net,2023-10-23,2023-11-03\n", "two dates in one row", 2},
		{"example.com\nexample.net\t2023-11-03\n", "some names have a date", 2},
		{"example.com,,2023-11-03\nexample.net,,\n", "some names have a date", 2},
		{"example.com 2023-10-23 2023-11-03\n", "two dates in one row", 1},
		{"example.com (2023-10-23, 2023-11-03)\n", "two dates in one row", 1},
		{"https://example.com/x,2023-10-23,2023-11-03\n", "two dates in one row", 1},
		{"example.com;blocked\n", "a table with other columns", 1},
		{"example.com\tA. Person\n", "a table with other columns", 1},
		{"example.com|1\n", "a table with other columns", 1},
		{"1,example.com\n0,example.net\n", "does not count the rows", 2},
		{"1\texample.com\n1\texample.net\n", "does not count the rows", 2},
		{"SITE;URL;DATE DE LA DECISION\nA;example.com;13/06/2022\n", "a table with other columns", 1},
		{"\"Домен\",\"Статус\"\n\"example.com\",\"Заблокований\"\n", "a table with other columns", 2},
		{"example.com removed\n", "not blocked", 1},
		{"example.com (revocato il 12.5.2024)\n", "not blocked", 1},
		{"example.com # unblocked in May\n", "not blocked", 1},
		{"example.com ; DATUM_VYMAZU 2024\n", "not blocked", 1},
		{"example.com suspended\n", "not blocked", 1},
		{"Exceptions\nexample.com\n", "not blocked", 1},
		{"Not to be blocked:\nexample.com\n", "not blocked", 1},
		{"example.com 0\n", "a table with other columns", 1},
		{"example.com 1 Jan 2023 1 Jan 2024\n", "two dates in one row", 1},
		{names + "Unblocked:\nthree.example.com\n", "not blocked", 3},

		// These lists contain rules of browser extensions.
		{"[Adblock Plus 2.0]\n" + names, "adblock", 1},
		{"! Title: a list\n" + names, "adblock", 1},
		{"||example.com^\n", "adblock", 1},
		{"@@||example.com^\n", "adblock", 1},
		{"@@example.com\n", "adblock", 1},
		{"example.com^$third-party\n", "adblock", 1},
		{"example.com$important\n", "adblock", 1},
		{"example.com,example.net#?#div:has(.ad)\n", "adblock", 1},
		{"*://*.example.com/*\n", "match patterns", 1},

		// These lists are configuration files.
		{"0.0.0.0 example.com\n", "hosts", 1},
		{"127.0.0.1\tlocalhost\n" + names, "hosts", 1},
		{"::1 example.com\n", "hosts", 1},
		{"address=/example.com/0.0.0.0\n", "dnsmasq", 1},
		{"server=/example.com/\n", "dnsmasq", 1},
		{"server:\n  local-zone: \"example.com\" always_nxdomain\n", "Unbound", 1},
		{"local-zone: \"example.com\" transparent\n", "Unbound", 1},
		{"zone \"example.com\" { type master; };\n", "name server", 1},
		{"payload:\n  - DOMAIN-SUFFIX,example.com\n", "proxy", 1},
		{"version: 1\norders:\n- id: a\n", "an order file", 1},
		{"[allowlist]\nexample.com\n", "sections", 1},
		{"[blocked names]\nexample.com\n", "sections", 1},
		{"--- a/list\n+++ b/list\n@@ -1,2 +1,1 @@\n-example.com\n", "diff", 2},
		{"+ example.com\n- example.net\n", "diff", 2},
		{"-example.com\n+example.net\n", "diff", 2},
		{"/* example.com */\n" + names, "comments", 1},
		{names + "// example.net\n", "comments", 3},

		// These lists are documents, for example HTML pages.
		{"<!DOCTYPE html>\n<td>example.com</td>\n", "HTML", 1},
		{"  <td>example.com</td>\n", "HTML", 1},
		{"<?xml version=\"1.0\"?>\n", "XML", 1},
		{"<AdresDomeny>example.com</AdresDomeny>\n", "XML", 1},
		{"[\n  \"example.com\",\n  \"example.net\"\n]\n", "JSON", 1},
		{"{\"domain\": \"example.com\"}\n", "JSON", 1},
		{"[\"example.com\"]\n", "JSON", 1},
		{"Content-Type: text/plain\n\nexample.com\n", "mail", 1},
		{"guarda-film=\nstreaming.com\n", "mail", 1},
		{"%PDF-1.7\n", "PDF", 1},
		{"PK\x03\x04\x14\x00", "Excel", 1},
		{"\xd0\xcf\x11\xe0\xa1\xb1", "old Excel", 1},
		{"\x1f\x8b\x08\x00", "gzip", 1},
		{"{\\rtf1 example.com}", "RTF", 1},
		{"\x7fELF\x00\x00", "not text", 1},

		// These lists are in another character set than UTF-8.
		{"\xff\xfe" + utf16Text(names), "UTF-16", 1},
		{utf16Text(names), "UTF-16", 1},
		{"one.example.com\nb\xfccher.example.com\n", "Windows-1252", 2},
		{"one.example.com\n\xe2\xe8\xef\xeb\xe0\xf2\xe0.com\n", "Windows-1251", 2},
		{"one.example.com\n\xd7\xc9\xd0\xcc\xc1\xd4\xc1.com\n", "KOI8", 2},
		{"ï»¿one.example.com\n", "taken for another character set", 1},
		{"one.example.com\rtwo.example.com\r", "old Macintosh", 1},
	} {
		res, err := Domains(strings.NewReader(tc.list), Options{Decide: decideAll, AllowSuffix: true})
		var bad *FormatError
		if res != nil || !errors.As(err, &bad) {
			t.Errorf("%q: got %+v, %v", tc.list, res, err)
			continue
		}
		if !strings.Contains(bad.Format, tc.format) || bad.Line != tc.line || bad.Advice == "" {
			t.Errorf("%q: got %q, line %d (%s), want %q, line %d", tc.list, bad.Format, bad.Line, bad.Advice, tc.format, tc.line)
		}
	}
	for _, tc := range []struct{ list, charset, format string }{
		{"виплата.com\n", "cp1251", "UTF-8, not in cp1251"},
		{"\xd7\xc9\xd0\xcc\xc1\xd4\xc1.com\n", "cp1251", "KOI8, not in cp1251"},
	} {
		_, err := Domains(strings.NewReader(tc.list), Options{Charset: tc.charset})
		if err == nil || !strings.Contains(err.Error(), tc.format) {
			t.Errorf("%q as %s: got %v", tc.list, tc.charset, err)
		}
	}
}

func TestAdvice(t *testing.T) {
	for list, want := range map[string]string{
		"; example.com\n":                           "import rpz FILE",
		"good.example.com CNAME rpz-passthru.\n":    "import rpz FILE",
		"example.com.rpz.example.net. IN CNAME .\n": "import rpz FILE",
		"example.com##.ad\n":                        "import adblock FILE",
		"0.0.0.0 example.com\n":                     "import hosts FILE",
		"example.com,2023-10-23,2023-11-03\n":       "import register PRESET FILE",
		"<?xml version=\"1.0\"?>\n":                 "import register PRESET FILE",
		"[{\"domain\": \"example.com\"}]\n":         "import register PRESET FILE",
		"PK\x03\x04":                                "import register PRESET FILE",
	} {
		_, err := Domains(strings.NewReader(list), Options{Decide: decideAll})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", list, err, want)
		}
	}
}

func TestPlainLists(t *testing.T) {
	for list, want := range map[string]string{
		"# ; comment\nexample.com\n":                                                            "example.com",
		"[example.com]\n<example.net>\n":                                                        "example.com example.net",
		"## a list\n### of names\nexample.com\n":                                                "example.com",
		"example.com\nexample.net;\n":                                                           "example.com example.net",
		"a.example.net\nb.example.net\nc.example.net\n":                                         "a.example.net b.example.net c.example.net",
		"removed.example.com\nwhitelist.example.net\n":                                          "removed.example.com whitelist.example.net",
		"example.com.proxy.example\nw.example.com.proxy.example\nx.example.com.proxy.example\n": "example.com.proxy.example w.example.com.proxy.example x.example.com.proxy.example",
		"No.\tDomain\tDate\n1\texample.com\t2024-05-01\n2\texample.net\t2024-05-02\n":           "example.com example.net",
		"N°;Dominio\n1;example.com\n2;example.net\n":                                            "example.com example.net",
		"https://example.com/a,b;c\n":                                                           "example.com",
		"https://example.com/2024/05/01/2024-05-01\n":                                           "example.com",
		"1. example.com,\n1. example.net; and\n1. example.org.\n":                               "example.com example.net example.org",
		"192.0.2.1\nexample.com\n":                                                              "192.0.2.1 example.com",
		"Elenco dei siti, allegato A\nexample.com\n":                                            "example.com",
	} {
		res, err := Domains(strings.NewReader(list), Options{Decide: decideAll})
		if err != nil {
			t.Errorf("%q: %v", list, err)
			continue
		}
		if got := targetTexts(res); got != want {
			t.Errorf("%q: got %q, want %q", list, got, want)
		}
	}
}

func TestPlain(t *testing.T) {
	for list, want := range map[string]string{
		"; example.com\n":                        "example.com",
		"example.com\nexample.net\t2023-11-03\n": "example.com example.net",
		"example.com.rpz.example.net\n":          "example.com.rpz.example.net",
		"||example.com^\nexample.net\n":          "example.net",
		"%PDF-1.7\nexample.com\n":                "example.com",
		"\xff\xfea\x00.\x00\nexample.com\n":      "example.com",
	} {
		res, err := Domains(strings.NewReader(list), Options{Plain: true})
		if err != nil {
			t.Errorf("%q: %v", list, err)
			continue
		}
		if got := targetTexts(res); got != want {
			t.Errorf("%q: got %q, want %q", list, got, want)
		}
	}
}

func TestSize(t *testing.T) {
	if _, err := Domains(&endless{text: "example.com\n"}, Options{}); !errors.Is(err, ErrSize) {
		t.Errorf("a file without an end: got %v", err)
	}
	if _, err := Domains(strings.NewReader(strings.Repeat("\n", maxLines+1)), Options{}); !errors.Is(err, ErrSize) {
		t.Errorf("too many lines: got %v", err)
	}
}

// endless is a reader that never returns io.EOF.
type endless struct {
	text string
	read int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, strings.Repeat(e.text, len(p)/len(e.text)+1))
	if e.read += n; e.read > 2*MaxSize {
		return 0, errors.New("read on")
	}
	return n, nil
}

func targetTexts(res *Result) string {
	var out []string
	for i := range res.Targets {
		out = append(out, res.Targets[i].String())
	}
	return strings.Join(out, " ")
}
