package importer

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

func FuzzDomains(f *testing.F) {
	files, _ := filepath.Glob("testdata/ua/*.txt")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(strings.ToValidUTF8(string(data[:min(len(data), 200)]), ""), uint(0))
	}
	f.Add("https://a.comhttps://b.com\n*.c.com d.com;e.com (f.com)\n1.2.3.4/24 [::1]:53\n", uint(1))
	f.Add("a\u200bb.com\u00a0# x\n\"c.com\"\n//d.com\\x\n@\n:\n", uint(4095))
	f.Add("1. guarda-film-\nstreaming.com\n\fPage 3 of 4\nexample.\ncom\n-x.com\n", uint(1<<16))
	f.Add("1\ta.com\t2024-05-01\nhxxps://b[.]com/., and\n(c.com)\n", uint(12345))
	f.Add("http://a.com:80/%zz?#\nhttp://[::1]/x\nhttp://a.com/\x7f\n", uint(99))
	f.Fuzz(func(t *testing.T, list string, seed uint) {
		opt := Options{Decide: map[Form]string{}}
		for _, form := range []Form{Mask, Paths, Ports, Addresses, AddressURLs, TextAfter, AddressAfter, Several, Hyphen} {
			words := append(Choices(form), "")
			if w := words[seed%uint(len(words))]; w != "" {
				opt.Decide[form] = w
			}
			seed /= uint(len(words))
		}
		opt.Charset = Charsets[seed%uint(len(Charsets))]
		opt.AllowSuffix, opt.Plain = seed/3%2 == 1, seed/6%2 == 1
		res, err := Domains(strings.NewReader(list), opt)
		var foreign *FormatError
		if errors.As(err, &foreign) && !opt.Plain {
			if foreign.Line < 1 || foreign.Line > strings.Count(list, "\n")+1 || foreign.Format == "" || foreign.Advice == "" {
				t.Fatalf("an error without a place: %+v", foreign)
			}
			return
		}
		if res == nil {
			t.Fatal(err)
		}
		noted := map[int]bool{}
		gave := map[int]bool{}
		for _, n := range res.Notes {
			noted[n.Line] = true
			if (n.Refused == "" && n.Passed == "") != (len(n.Targets) > 0) {
				t.Fatalf("refused %q, passed %q and gave %q", n.Refused, n.Passed, n.Targets)
			}
		}
		for i := range res.Targets {
			tg := &res.Targets[i]
			gave[tg.Line] = true
			if tg.Kind == order.TargetName {
				if back, err := dname.Parse(tg.Name.String()); err != nil || back != tg.Name {
					t.Fatalf("%q does not parse: %v", tg.Name, err)
				}
			}
		}
		empty := res.Blank + res.Comments
		for line := range res.Lines {
			if !noted[line+1] && !gave[line+1] {
				empty--
			}
		}
		if empty != 0 {
			t.Fatalf("%d lines of %q vanish", -empty, list)
		}
		if err != nil {
			return
		}
		h := Head{Fields: map[string]any{"id": "fuzz", "authority.name": "A", "scope": "global"}}
		if _, err := h.Write("a.yaml", res.Targets, ""); err != nil {
			t.Fatalf("%q: %v", list, err)
		}
	})
}
