package register

import (
	"bytes"
	"testing"

	"github.com/dns-orders/blocklist/plugin/order"
)

var fuzzed = []string{"fr-anj", "ru-csv", "ua-playcity", "pl-hazard", "ru-xml", "au-acma", "au-teqsa", "rpz", "hosts", "adblock"}

func FuzzImport(f *testing.F) {
	f.Add(uint8(0), "URL;DATE DE LA DECISION\na.example.com;01/02/2026\n", "URL;DATE DE LA DECISION\nb.example.com;01/02/2026\n")
	f.Add(uint8(1), "Updated: 2026-01-02 10:00:00 +0300\n192.0.2.1;*.a.example.com|b.example.com;;Court;7;2026-01-01\n", "")
	f.Add(uint8(2), "Домен,Статус,Рішення ПлейСіті\na.example.com,Заблокований,01.02.2026 №7\n", "Домен,Статус,Рішення ПлейСіті\na.example.com,Легальний,01.02.2026 №7\n")
	f.Add(uint8(3), `<Rejestr xmlns="http://www.hazard.mf.gov.pl/2017/03/21/"><PozycjaRejestru><AdresDomeny>a.example.com</AdresDomeny><DataWpisu>2026-01-01</DataWpisu><DataWykreslenia>2026-02-01</DataWykreslenia></PozycjaRejestru></Rejestr>`, "")
	f.Add(uint8(4), `<register updateTime="2026-01-02T10:00:00Z"><content blockType="domain"><decision date="2026-01-01" number="1" org="A"/><domain>a.example.com</domain></content></register>`, "")
	f.Add(uint8(5), `[{"domain": "a.example.com"}]`, `[{"domain": "b.example.com"}]`)
	f.Add(uint8(6), "a.example.com\n", "b.example.com\n")
	f.Add(uint8(7), "a.example.com CNAME .\n*.a.example.com CNAME .\nb.example.com A 192.0.2.1\n24.0.2.0.192.rpz-ip CNAME .\n", "c.example.com CNAME rpz-passthru.\n")
	f.Add(uint8(8), "0.0.0.0 a.example.com\n192.0.2.1 b.example.com\n", "")
	f.Add(uint8(9), "||a.example.com^\n@@||b.a.example.com^\n", "||b.example.com^$all\n")
	f.Fuzz(func(t *testing.T, which uint8, first, second string) {
		p, err := Load(fuzzed[int(which)%len(fuzzed)], "")
		if err != nil {
			t.Fatal(err)
		}
		p.Guards.MinRows, p.maxDrop = 0, 100
		var out []byte
		for _, data := range []string{first, second, first} {
			opt := options(out, order.NoTime)
			opt.Vanished = Lift
			opt.Given = map[string]string{"id": "x", "authority": "A", "country": "IT"}
			if p.AsOf.Dates == nil {
				opt.AsOf = 1.9e9
			}
			res, err := Import(p, []byte(data), opt)
			if err == nil && len(res.Refused) > 0 {
				opt.SkipRefused = len(res.Refused)
				res, err = Import(p, []byte(data), opt)
			}
			checkLines(t, p, []byte(data), opt, res, err)
			if err != nil || res.Content == nil {
				continue
			}
			out = res.Content.Bytes()
			opt.Previous = out
			again, err := Import(p, []byte(data), opt)
			if err != nil || again.Content != nil || len(again.Problems) > 0 {
				t.Fatalf("%s: a second import: error %v, problems %q, output\n%s\nfirst output\n%s", p.Name, err, again.Problems, again.Content, out)
			}
			if !bytes.Contains(out, []byte("register: "+p.Name)) {
				t.Fatalf("the output has no source:\n%s", out)
			}
		}
	})
}
