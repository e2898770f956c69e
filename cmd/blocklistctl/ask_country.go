package main

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"github.com/dns-orders/blocklist/plugin/order"
)

var localCountries = sync.OnceValue(func() map[string]order.Country {
	names := map[string]order.Country{}
	for _, tag := range []language.Tag{language.English, language.Italian, language.Spanish, language.French, language.German, language.Dutch, language.Danish, language.Polish, language.Portuguese} {
		regions := display.Regions(tag)
		for a := 'A'; a <= 'Z'; a++ {
			for b := 'A'; b <= 'Z'; b++ {
				code, ok := order.ParseCountry(string([]rune{a, b}))
				region, err := language.ParseRegion(string(code))
				if !ok || err != nil {
					continue
				}
				if name := plainWords(regions.Name(region)); name != "" && names[name] == "" {
					names[name] = code
				}
			}
		}
	}
	return names
})

var aroundCountry = regexp.MustCompile(`(?:^|\b)(?:the|whole(?: of)?|entire|all of|la|le|les|l'|toute?|entiere?|das|die|ganz(?:e|es)?|gesamt(?:e|es)?|il|lo|i|gli|tutt[aoie]|inter[ao]|el|tod[ao]s?|enter[ao]|o|a|os|as|inteir[ao]|het|heel|hele|cal[ay])(?:\s+|$|\b)`)

func countryNamed(s string) order.Country {
	s = strings.TrimSpace(s)
	if c := order.CountryNamed(s); c != "" {
		return c
	}
	plain := plainWords(s)
	if c := localCountries()[plain]; c != "" {
		return c
	}
	short := strings.TrimSpace(aroundCountry.ReplaceAllString(plain, ""))
	if len(short) < 4 { // not a code, because "la" and "il" are codes
		return ""
	}
	if c := localCountries()[short]; c != "" {
		return c
	}
	return order.CountryNamed(short)
}

var withTerritories = regexp.MustCompile(`(?i)[\s,;]*\(?\b(?:y compris|et|avec|ainsi que|incluant|und|mit|samt|inklusive|inkl\.|einschließlich|con|e|ed|compres[eio]|inclus[eio]|y|incluid[oa]s|com|incluindo|with|and|including|met|en|inclusief|med|og|z|ze|i|oraz)\s+` +
	`(?:(?:l['’]|les|ses|ces|tous|tout|toutes|des|den|die|seinen|ihren|allen|i|gli|le|suoi|tutti|los|sus|todos|os|seus|its|their|all|the|zijn|alle|sine|jej|wszystkimi)\s*)*` +
	`(?:outre-?\s?mer|dom-?\s?tom|drom(?:-com)?|territoires(?: d['’]outre-?\s?mer)?|départements d['’]outre-?\s?mer|collectivités d['’]outre-?\s?mer|überseegebiet(?:en|e)|übersee|überseeterritorien|` +
	`territori(?: d['’]oltremare)?|oltremare|territorios(?: de ultramar)?|ultramar|territórios(?: ultramarinos)?|(?:overseas )?territories|overseas|overzeese gebieden|oversøiske (?:områder|territorier)|terytoriami zamorskimi)\b\)?`)

func scopeWords(answer string) (words []string) {
	for word := range strings.FieldsFuncSeq(withTerritories.ReplaceAllString(answer, "+"), func(r rune) bool { return r == ',' || r == ';' }) {
		if word = strings.TrimSpace(word); word != "" {
			words = append(words, word)
		}
	}
	return words
}

// andBetween matches "and" between two countries.
var andBetween = regexp.MustCompile(`(?i)\s+(?:and|e|ed|et|und|y|en|og|i|oraz)\s+`)

func countriesIn(text string) (codes []string) {
	name, plus := strings.CutSuffix(text, "+")
	if c := countryNamed(name); c != "" {
		if plus {
			return []string{string(c) + "+"}
		}
		return []string{string(c)}
	}
	parts := andBetween.Split(text, -1)
	if len(parts) < 2 {
		return nil
	}
	for _, part := range parts {
		found := countriesIn(part)
		if found == nil {
			return nil
		}
		codes = append(codes, found...)
	}
	return slices.Compact(codes)
}
