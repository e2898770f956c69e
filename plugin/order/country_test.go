package order

import (
	"slices"
	"strings"
	"testing"
)

func TestTerritories(t *testing.T) {
	const fr = "FR BL GF GP MF MQ NC PF PM RE TF WF YT"
	for _, tc := range []struct{ countries, want, written string }{
		{"FR", "FR", "FR"},
		{"FR+", fr, "FR+"},
		{"fr+", fr, "FR+"},
		{"FR, FR+", fr, "FR+"},
		{"FR, IT, FR+", fr + " IT", "FR+ IT"},
		{"RE, FR+", "RE FR BL GF GP MF MQ NC PF PM TF WF YT", "RE FR+"},
		{"FR+, RE", fr, "FR+"},
		{"FR+, RE+", fr, "FR+ RE+"},
		{"IT+", "IT", "IT+"},
		{"NL+, EU", "NL AW BQ CW SX EU", "NL+ EU"},
		{"GB+", "GB AI BM FK GG GI GS IM IO JE KY MS PN SH TC VG", "GB+"},
		{"CN+", "CN", "CN+"},
		{"US+", "US AS GU MP PR UM VI", "US+"},
	} {
		o := oneOrder(t, "id: a, scope: {countries: ["+tc.countries+"]}")
		var got []string
		for _, c := range o.Scope.Countries {
			got = append(got, string(c))
		}
		if s := strings.Join(got, " "); s != tc.want {
			t.Errorf("%s: got %s, want %s", tc.countries, s, tc.want)
		}
		if s := strings.Join(o.Scope.CountryTexts(), " "); s != tc.written {
			t.Errorf("%s: written %s, want %s", tc.countries, s, tc.written)
		}
		text := "version: 1\norders: [{id: a, authority: {name: X}, scope: {countries: [" + tc.countries + "]}, targets: [one.example]}]\n"
		if got := checkFormat(t, "a.yaml", text, Options{}); !strings.Contains(got, "["+tc.countries+"]") {
			t.Errorf("%s: formatted %s", tc.countries, got)
		}
		checkEncode(t, tc.countries, Header{Serial: -1, ShrinkOK: -1}, []*Order{o}, Options{})
	}
	seen := map[Country]bool{}
	for c, list := range territories {
		for _, x := range append([]Country{c}, list...) {
			if got, ok := ParseCountry(string(x)); !ok || got != x || seen[x] {
				t.Errorf("%s: %s", c, x)
			}
			seen[x] = true
		}
		if !slices.IsSorted(list) {
			t.Errorf("%s: %v is not sorted", c, list)
		}
	}
}

func TestCountryOf(t *testing.T) {
	named := map[Country]bool{}
	for c, name := range namesOfCountries() {
		named[c] = true
		if got, ok := ParseCountry(string(c)); !ok || got != c || strings.TrimSpace(name) != name || name == "" {
			t.Errorf("%q has the name %q", c, name)
		}
		if got := countryOf(strings.ToUpper(name)); got != c {
			t.Errorf("%s: got %s, want %s", name, got, c)
		}
	}
	for c := range strings.FieldsSeq(iso3166 + " EU") {
		if !named[Country(c)] {
			t.Errorf("%s has no name", c)
		}
	}
	for s, want := range map[string]Country{
		"Italy": "IT", "italia": "IT", "Itlay": "IT", "ITA": "IT", "deutschland": "DE", "Osterreich": "AT", "UK": "GB", "EL": "GR",
		"Україна": "UA", "Россия": "RU", "भारत": "IN", "Schweiz": "CH", "Ελλάδα": "GR", "Bosnia and Herzegovina": "BA", "usa": "US",
		"Chad": "TD", "X": "", "": "", "nowhere at all": "", "ZZ": "", "12": "", "France, Spain": "",
	} {
		if got := countryOf(s); got != want {
			t.Errorf("%q: got %q, want %q", s, got, want)
		}
	}
	for s, want := range map[string]Country{"Italia": "IT", "Itlay": "", "Guyane": "GF", "Guyana": "GY", "Guyanne": "", "La Réunion": "RE"} {
		if got := CountryNamed(s); got != want {
			t.Errorf("%q: got %q, want %q", s, got, want)
		}
	}
}
