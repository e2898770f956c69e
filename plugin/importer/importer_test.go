package importer

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/order"
)

func TestDomains(t *testing.T) {
	list := "\uFEFF# a list\r\nexample.com\r\n\r\n \u00a0\r\nEXAMPLE.COM.\r\nbad name here.\r\n" + strings.Repeat("x", maxLine+10) + "\r\nexample.net"
	res, err := Domains(strings.NewReader(list), Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := *res
	if got.Lines != 8 || got.Blank != 2 || got.Comments != 1 || got.Refused != 2 || got.Duplicates != 1 || len(got.Targets) != 2 || !got.CRLF || !got.BOM {
		t.Errorf("got %+v", got)
	}
	if n := got.Notes[0]; n.Line != 5 || n.Did[len(n.Did)-1] != repeated || n.Same != 2 {
		t.Errorf("the repeated line: %+v", n)
	}
	if n := got.Notes[len(got.Notes)-1]; n.Line != 7 || !strings.Contains(n.Refused, "longer than 4096 bytes") {
		t.Errorf("the long line: %+v", n)
	}
}

func TestDomainsErrors(t *testing.T) {
	for _, list := range []string{"", "\n\n", "# only a comment\n", "\uFEFF", "\u200b\n"} {
		if _, err := Domains(strings.NewReader(list), Options{}); !errors.Is(err, ErrEmpty) {
			t.Errorf("%q: got %v, want ErrEmpty", list, err)
		}
	}
	for want, opt := range map[string]Options{
		`mask must be one of subtree, below, skip, got "all"`:      {Decide: map[Form]string{Mask: "all"}},
		`charset must be one of utf-8, cp1250, cp1251, got "koi8"`: {Charset: "koi8"},
	} {
		if res, err := Domains(strings.NewReader("a.com"), opt); res != nil || err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	broken := errors.New("broken")
	if _, err := Domains(&failing{strings.NewReader("a.com\n"), broken}, Options{}); !errors.Is(err, broken) {
		t.Errorf("a read error is lost: %v", err)
	}
}

type failing struct {
	r   *strings.Reader
	err error
}

func (f *failing) Read(p []byte) (int, error) {
	if n, err := f.r.Read(p); err == nil {
		return n, nil
	}
	return 0, f.err
}

func TestCharset(t *testing.T) {
	const cp1251 = "\xe2\xe8\xef\xeb\xe0\xf2\xe0.com\n" // виплата.com
	res, err := Domains(strings.NewReader(cp1251), Options{Charset: "cp1251"})
	if err != nil || res.Targets[0].String() != "xn--80aaeypxx.com" {
		t.Errorf("cp1251: %+v, %v", res, err)
	}
	res, _ = Domains(strings.NewReader("wysy\xb3ka.pl\n"), Options{Charset: "cp1250"})
	if len(res.Targets) != 1 || res.Targets[0].String() != "xn--wysyka-6db.pl" {
		t.Errorf("cp1250: %+v", res)
	}
	res, _ = Domains(strings.NewReader(cp1251), Options{Plain: true})
	if res.Refused != 1 || res.Notes[0].Needs != Charset {
		t.Errorf("as utf-8: %+v", res)
	}
	res, _ = Domains(strings.NewReader("a\x98.com\n"), Options{Charset: "cp1251"}) // CP1251 does not have the byte 0x98
	if res.Refused != 1 || res.Notes[0].Needs != Charset {
		t.Errorf("an unassigned byte: %+v", res)
	}
}

func TestRealLists(t *testing.T) {
	files, _ := filepath.Glob("testdata/ua/*.txt")
	if len(files) < 5 {
		t.Fatalf("found %d lists", len(files))
	}
	opt := Options{Decide: map[Form]string{Paths: "name", Addresses: "network", AddressAfter: "note"}}
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		res, err := Domains(f, opt)
		f.Close()
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		refused := 0
		if strings.HasSuffix(file, "61035.txt") {
			refused = 1 // "https://ua- reporter.сom/"
		}
		if res.Refused != refused || len(res.Targets)+res.Duplicates+res.Refused+res.Blank != res.Lines {
			t.Errorf("%s: %+v", file, res)
		}
		h := Head{Fields: map[string]any{"id": "ncu/1", "authority.name": "NCU", "authority.country": "UA", "authority.kind": "regulator", "scope": "global", "issued": "2024-02-06"}}
		for _, side := range []string{"", "list.txt"} {
			one, err := h.Write("a.yaml", res.Targets, side)
			if err != nil {
				t.Fatal(err)
			}
			two, _ := h.Write("a.yaml", res.Targets, side)
			if string(one.Order) != string(two.Order) || string(one.Side) != string(two.Side) {
				t.Errorf("%s: two runs differ", file)
			}
		}
	}
}

func TestWrite(t *testing.T) {
	res, err := Domains(strings.NewReader("example.com\n*.example.net\n192.0.2.1\nhttps://example.org/x\nexample.info (mirror)\n"), Options{Decide: map[Form]string{
		Mask: "below", Addresses: "none", Paths: "host", TextAfter: "note"}})
	if err != nil {
		t.Fatal(err)
	}
	h := Head{Timezone: "Europe/Rome", Fields: map[string]any{"id": "a/1", "authority.name": "Court", "references": []string{"2719"}, "issued": "2026-05-01",
		"scope.countries": []string{"IT"}, "scope.clients": []string{"192.0.2.0/24"}, "response.redirect": []string{"192.0.2.9"}}}
	f, err := h.Write("out.yaml", res.Targets, "list.txt")
	if err != nil {
		t.Fatal(err)
	}
	if string(f.Side) != "example.com\n" {
		t.Errorf("side list %q", f.Side)
	}
	for _, want := range []string{`- "2719"`, "issued: 2026-05-01\n", "'*.example.net'", "enforced_by: none", "whole_host: true", "note: mirror", "file: list.txt", "sha256: "} {
		if !strings.Contains(string(f.Order), want) {
			t.Errorf("no %q in\n%s", want, f.Order)
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	res, _ := Domains(strings.NewReader("example.com\n"), Options{})
	for field, change := range map[string]func(*Head){
		"id":             func(h *Head) { h.Fields["id"] = "a b" },
		"authority.name": func(h *Head) { delete(h.Fields, "authority.name"); h.Fields["authority.country"] = "IT" },
		"scope":          func(h *Head) { delete(h.Fields, "scope") },
		"issued":         func(h *Head) { h.Fields["issued"] = "yesterday" },
		"until":          func(h *Head) { h.Fields["from"], h.Fields["until"] = "2026-05-02", "2026-05-01" },
		"timezone":       func(h *Head) { h.Timezone = "Mars" },
		"lifts":          func(h *Head) { h.Fields["lifts"] = []string{"b"} },
		"scope ":         func(h *Head) { h.Fields["scope.countries"] = []string{"IT"} }, // the scope would be countries and global at once
		"colour":         func(h *Head) { h.Fields["colour"] = "red" },
	} {
		h, field := Head{Fields: map[string]any{"id": "a", "authority.name": "Court", "scope": "global"}}, strings.TrimSpace(field)
		change(&h)
		_, err := h.Write("a.yaml", res.Targets, "")
		var bad order.Problems
		if !errors.As(err, &bad) || bad[0].Field != field || bad[0].Line != 0 {
			t.Errorf("%s: got %v", field, err)
		}
	}
}
