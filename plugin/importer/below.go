package importer

import (
	"regexp"
	"strings"
)

// This expression matches words such as "with all subdomains" in several languages. A name in a
// list already covers its subdomains, so these words add nothing. Words such as "without
// subdomains" must not match.
const belowWords = `(?:(?:together|along|mitsamt|wraz) +)?` +
	`(?:with|and|including|incl\.?|plus|as well as|mit|samt|mitsamt|nebst|inkl\.?|inklusive|einschließlich|und|sowie|avec|et|y compris|ainsi que|incluant|` +
	`con|e|ed|compres[ie]|inclus[ie]|nonché|unitamente a|insieme a|y|incluidos|incluyendo|así como|com|incluindo|bem como|met|en|inclusief|med|og|z|ze|i|oraz|w tym) +` +
	`(?:(?:all|any|of|its|their|the|aller|allen|alle|seinen|seiner|ihren|ihrer|deren|dessen|den|der|sämtlichen?|sämtlicher|zugehörigen|zugehöriger|jeweiligen|` +
	`tous|toutes|leurs|ses|les|tutti|tutte|i|gli|le|ai|suoi|loro|relativi|rispettivi|eventuali|todos|todas|los|las|sus|os|seus|respectivos|respetivos|` +
	`zijn|hun|bijbehorende|dens|deres|tilhørende|wszystkimi|wszystkie|jej|jego|ich) +){0,4}` +
	`(?:sub-?domains?|sub-?pages|unter-?seiten|unter-?domains?|unterdomänen|subdomänen|sous-? ?domaines?|sous-? ?pages|sotto-?domini|sottodominio|subdomini|sottopagine|` +
	`sub-?dominios|subpáginas|sub-?domínios|sub-?domeinen|subpagina's|underdomæner|subdomæner|undersider|subdomen(?:ami|y)|poddomen(?:ami|y)|podstron(?:ami|y))`

var (
	belowAfter = regexp.MustCompile(`(?i)^(.*?[^\s,;(])[\s\x{a0},;]+\(?` + belowWords + `\)?[.,;:]*$`)
	belowAlone = regexp.MustCompile(`(?i)^\(?` + belowWords + `\)?[.,;:]*$`)
)

// WithoutBelow removes words such as "with all subdomains" after a name. After the URL of a page,
// it keeps the words, because a page covers no subdomains.
func WithoutBelow(s string) string {
	if !strings.ContainsAny(s, " \u00a0") {
		return s
	}
	m := belowAfter.FindStringSubmatch(s)
	if m == nil {
		return s
	}
	words := strings.Fields(m[1])
	w := strings.Trim(words[len(words)-1], quotes+".,;:)")
	if !namelike(w) || strings.ContainsAny(strings.TrimRight(cutScheme(w), "/"), "/?#") {
		if len(words) == 1 || strings.Trim(words[len(words)-1], quotes) != "" || !namelike(words[len(words)-2]) {
			return s
		}
	}
	return m[1]
}
