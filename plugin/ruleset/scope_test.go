package ruleset

import (
	"net/netip"
	"testing"
)

func TestCountryDependent(t *testing.T) {
	now := at(t, "2026-01-01")
	for _, tc := range []struct {
		name, orders string
		scoped       bool
	}{
		{"for everyone", "- {id: a, targets: [a.example]}", false},
		{"for a country", "- {id: a, scope: {countries: [IT]}, targets: [a.example]}", true},
		{"for a country, not yet", "- {id: a, scope: {countries: [IT]}, from: 2027-01-01, targets: [a.example]}", true},
		{"for a country, over", "- {id: a, scope: {countries: [IT]}, until: 2025-01-01, targets: [a.example]}", false},
		{"for a country, suspended", "- {id: a, scope: {countries: [IT]}, status: suspended, targets: [a.example]}", false},
		{"for a country and the client", "- {id: a, scope: {countries: [IT], clients: [192.0.2.1]}, targets: [a.example]}", false},
		{"for a country and other clients", "- {id: a, scope: {countries: [IT], clients: [192.0.2.2]}, targets: [a.example]}", true},
		{"for a country, beside", "- {id: a, scope: {countries: [IT]}, targets: [b.example]}", false},
		{"for a country, below", "- {id: a, targets: [a.example]}\n- {id: b, scope: {countries: [IT]}, response: nodata, targets: [x.a.example]}", true},
		{"lifted for a country", "- {id: a, targets: [a.example]}\n- {id: l, action: lift, lifts: [a], issued: 2025-01-01, scope: {countries: [IT]}}", true},
		{"lifted for everyone", "- {id: a, targets: [a.example]}\n- {id: l, action: lift, lifts: [a], issued: 2025-01-01}", false},
	} {
		s := set(t, tc.orders+"\n")
		if v := s.Decide(asked(t, "a.example."), Query{Client: Client{Addr: netip.MustParseAddr("192.0.2.1")}, Now: now}); v.CountryDependent != tc.scoped {
			t.Errorf("%s: scoped %v, want %v", tc.name, v.CountryDependent, tc.scoped)
		}
	}
}
