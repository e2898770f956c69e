package order

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"golang.org/x/text/language"
)

// iso3166 are the alpha-2 codes that ISO 3166-1 assigns, and XK, which is user
// assigned but what every geolocation database says for Kosovo.
const iso3166 = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ " +
	"CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR " +
	"GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP " +
	"KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ " +
	"NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW " +
	"SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ " +
	"UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW XK"

// euMembers are the member states of the European Union.
const euMembers = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"

// EU is the group of the European Union's member states.
const EU Country = "EU"

// territories has the codes that ISO 3166-1 gives to the territories of a
// country. "FR+" in a scope is FR with its territories. Hong Kong and Macao are
// left out because they have laws and courts of their own, and so are the Cook
// Islands and Niue, which govern themselves.
var territories = map[Country][]Country{
	"AU": {"CC", "CX", "HM", "NF"},
	"DK": {"FO", "GL"},
	"FI": {"AX"},
	"FR": {"BL", "GF", "GP", "MF", "MQ", "NC", "PF", "PM", "RE", "TF", "WF", "YT"},
	"GB": {"AI", "BM", "FK", "GG", "GI", "GS", "IM", "IO", "JE", "KY", "MS", "PN", "SH", "TC", "VG"},
	"NL": {"AW", "BQ", "CW", "SX"},
	"NO": {"BV", "SJ"},
	"NZ": {"TK"},
	"US": {"AS", "GU", "MP", "PR", "UM", "VI"},
}

// Territories returns the territories of c that have a code of their own.
func (c Country) Territories() []Country { return territories[c] }

// scopeCountries decodes the countries of a scope. A country that is written
// with a "+" is followed by its territories; with has these countries.
func (p *parser) scopeCountries(n *yaml.Node, f string) (list, with []Country) {
	var written []Country
	plus := map[Country]bool{}
	for i, item := range p.list(n, f) {
		s := p.text(item, index(f, i))
		code, all := strings.CutSuffix(s, "+")
		c, ok := ParseCountry(code)
		switch {
		case s == "":
			continue
		case !ok:
			plus := ""
			if all {
				plus = "+"
			}
			p.badCountry(item, index(f, i), code, plus)
			continue
		case all && c == EU:
			p.bad(item, index(f, i), `"+" goes with one country; write the members that have territories, such as FR+`)
			continue
		case all:
			plus[c] = true
		}
		if !slices.Contains(written, c) {
			written = append(written, c)
		}
	}
	for _, c := range written {
		more := []Country{c}
		if plus[c] {
			with = append(with, c)
			more = append(more, c.Territories()...)
		}
		for _, c := range more {
			if !slices.Contains(list, c) {
				list = append(list, c)
			}
		}
	}
	return list, with
}

// CountryTexts returns the countries of s as an order file writes them: FR+ for
// FR and its territories.
func (s *Scope) CountryTexts() (out []string) {
	said := map[Country]bool{}
	for _, c := range s.Countries {
		switch {
		case slices.Contains(s.WithTerritories, c):
			out = append(out, string(c)+"+")
			for _, t := range c.Territories() {
				said[t] = true
			}
		case !said[c]:
			out = append(out, string(c))
		}
	}
	return out
}

// badCountry reports s, which is no code of a country, and the code that was
// probably meant, with plus behind it.
func (p *parser) badCountry(n *yaml.Node, f, s, plus string) {
	more := ""
	if c := countryOf(strings.TrimRight(s, "+")); c != "" {
		more = fmt.Sprintf("; did you mean %q?", string(c)+plus)
	}
	p.bad(n, f, "must be an ISO 3166-1 alpha-2 country code or EU%s", more)
}

// countryOf returns the code of a country that is given by a name or by another
// code than those of ISO 3166-1 alpha-2, or "".
func countryOf(s string) Country {
	if c, ok := ParseCountry(s); ok {
		return c
	}
	s = strings.ReplaceAll(strings.Join(strings.Fields(s), " "), " and ", " & ")
	for code, name := range namesOfCountries() {
		if strings.EqualFold(name, s) {
			return code
		}
	}
	if len(s) == 3 || len(s) == 2 { // ITA, and codes that were withdrawn
		if r, err := language.ParseRegion(s); err == nil {
			if c, ok := ParseCountry(r.Canonicalize().String()); ok {
				return c
			}
		}
	}
	if len(s) < 4 {
		return ""
	}
	near := Nearest(s, func(yield func(string) bool) {
		for _, name := range namesOfCountries() {
			if len(name) > 3 && !yield(name) {
				return
			}
		}
	})
	for code, name := range namesOfCountries() {
		if name == near && near != "" {
			return code
		}
	}
	return ""
}

// namesOfCountries yields each name in countryNames with its code.
func namesOfCountries() iter.Seq2[Country, string] {
	return func(yield func(Country, string) bool) {
		for line := range strings.SplitSeq(countryNames, "\n") {
			for name := range strings.SplitSeq(line[3:], "; ") {
				if !yield(Country(line[:2]), name) {
					return
				}
			}
		}
	}
}

// ParseCountry reads an ISO 3166-1 alpha-2 code or EU, in any case. It reports
// whether s is one.
func ParseCountry(s string) (Country, bool) {
	c := strings.ToUpper(s)
	if len(s) == 2 && (c == string(EU) || inCodes(iso3166, c)) { // not "ıt", whose capitals are IT
		return Country(c), true
	}
	return "", false
}

// InEU reports whether c is a member state of the European Union.
func (c Country) InEU() bool { return len(c) == 2 && inCodes(euMembers, string(c)) }

// inCodes looks a two-letter code up in a list of codes three octets apart.
func inCodes(codes, c string) bool {
	for i := 0; i < len(codes); i += 3 {
		if codes[i:i+2] == c {
			return true
		}
	}
	return false
}
