package order

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"golang.org/x/text/language"
)

// iso3166 contains the ISO 3166-1 alpha-2 codes, and XK for Kosovo.
const iso3166 = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ " +
	"CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR " +
	"GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP " +
	"KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ " +
	"NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW " +
	"SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ " +
	"UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW XK"

const euMembers = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"

// EU stands for all member states of the European Union.
const EU Country = "EU"

// In a scope, "FR+" means France with its territories. Hong Kong is missing, because it has its own
// government.
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

// Territories returns the territories of c that have their own country code.
func (c Country) Territories() []Country { return territories[c] }

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
			p.bad(item, index(f, i), `"+" adds the territories of one country, and EU is a group of countries; write the members that have territories, such as FR+`)
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

// CountryTexts returns the countries of a scope in the notation of order files. "FR+" means France
// with its territories.
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

func (p *parser) badCountry(n *yaml.Node, f, s, plus string) {
	more := ""
	if c := countryOf(strings.TrimRight(s, "+")); c != "" {
		more = fmt.Sprintf("; did you mean %q?", string(c)+plus)
	}
	p.bad(n, f, "must be a country code of two letters, such as IT, or EU%s", more)
}

func countryOf(s string) Country {
	if c := CountryNamed(s); c != "" || len(s) < 4 {
		return c
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

// CountryNamed returns the country with the given name or code. It accepts other codes, such as
// ITA. The result is empty for an unknown country.
func CountryNamed(s string) Country {
	if c, ok := ParseCountry(s); ok {
		return c
	}
	s = strings.ReplaceAll(strings.Join(strings.Fields(s), " "), " and ", " & ")
	for code, name := range namesOfCountries() {
		if strings.EqualFold(name, s) {
			return code
		}
	}
	if len(s) == 3 || len(s) == 2 { // three-letter codes such as ITA, and old two-letter codes
		if r, err := language.ParseRegion(s); err == nil {
			if c, ok := ParseCountry(r.Canonicalize().String()); ok {
				return c
			}
		}
	}
	return ""
}

// Name returns the English name of a country. If the name is unknown, the result is the code.
func (c Country) Name() string {
	if c == EU {
		return "the European Union"
	}
	for code, name := range namesOfCountries() {
		if code == c {
			return name
		}
	}
	return string(c)
}

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

// ParseCountry parses an ISO 3166-1 alpha-2 code or "EU", in upper or lower case.
func ParseCountry(s string) (Country, bool) {
	c := strings.ToUpper(s)
	// Check the length of s, because ToUpper also turns "ıt" (three bytes) into "IT".
	if len(s) == 2 && (c == string(EU) || inCodes(iso3166, c)) {
		return Country(c), true
	}
	return "", false
}

// InEU reports whether c is a member state of the European Union.
func (c Country) InEU() bool { return len(c) == 2 && inCodes(euMembers, string(c)) }

func inCodes(codes, c string) bool {
	for i := 0; i < len(codes); i += 3 {
		if codes[i:i+2] == c {
			return true
		}
	}
	return false
}
