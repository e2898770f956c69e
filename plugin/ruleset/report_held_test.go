package ruleset

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

func bank(t testing.TB) Guard {
	t.Helper()
	name := func(s string) dname.Name {
		n, err := dname.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return &stubGuard{
		names: []protect{{name("bank.example"), false}, {name("only.example"), true}},
		nets:  []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
	}
}

func TestExplainCountryOfCaller(t *testing.T) {
	for dates, want := range map[string][2]order.Time{
		"":                                      {order.NoTime, Forever},
		"from: 2026-01-01, until: 2026-12-31, ": {at(t, "2026-01-01"), at(t, "2027-01-01")},
	} {
		s := with(t, Options{NoCountry: true}, "- {id: b, "+dates+"scope: {countries: [IT]}, targets: [a.example]}\n")
		_, reasons := s.Explain(asked(t, "a.example."), Client{Country: "IT"}, at(t, "2026-06-01"))
		if len(reasons) != 1 || reasons[0].Why != Decides || [2]order.Time{reasons[0].Since, reasons[0].Until} != want {
			t.Errorf("%q: explained by %+v, want Decides with since and until %d", dates, reasons, want)
		}
	}
}

func TestHeldWords(t *testing.T) {
	s := with(t, Options{Guard: bank(t), Addresses: true},
		"- {id: b, response: {redirect: [198.51.100.1]}, targets: [{address: 198.51.100.0/24, enforced_by: dns}]}\n")
	warnings, _ := s.Warnings()
	const want = "the target is held and not enforced, because it has 198.51.100.1 in it, to which answers redirect;"
	if len(warnings) != 1 || !strings.Contains(warnings[0].Error(), want) {
		t.Errorf("got %v", warnings)
	}
}

func TestShadowShowsNothing(t *testing.T) {
	enforced := "- {id: b, targets: [example]}\n- {id: c, from: 2027-01-01, scope: {countries: [IT]}, targets: [a.example]}\n"
	var many strings.Builder
	for i := range maxBelow + 1 {
		fmt.Fprintf(&many, ", e%d.example", i)
	}
	now := at(t, "2026-01-01")
	want := set(t, enforced).Decide(asked(t, "example."), Query{Now: now})
	for _, shadow := range []string{
		"except: [x.a.example" + many.String() + "], targets: [b.example]",
		"response: nodata, targets: [a.example]",
		"targets: [{name: a.example, match: exact, except: [x.a.example]}]",
		"action: lift, lifts: [b], issued: 2025-01-01, until: 2026-03-01, targets: [a.example], except: [x.a.example]",
		"action: lift, lifts: [b], issued: 2025-01-01, until: 2026-03-01",
	} {
		got := set(t, enforced+"- {id: s, status: shadow, "+shadow+"}\n").Decide(asked(t, "example."), Query{Now: now})
		if got.Order == nil || got.Order.ID != "b" || got.Subtree != want.Subtree || got.Until != want.Until || got.CountryDependent != want.CountryDependent {
			t.Errorf("%.40s: got %+v, want %+v", shadow, got, want)
		}
	}
}
