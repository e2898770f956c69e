package order

import "strings"

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
