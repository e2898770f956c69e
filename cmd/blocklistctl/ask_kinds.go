package main

import (
	"regexp"
	"slices"
	"strings"
)

var kindWords = map[string]string{
	"court": "judge prosecutor gericht amtsgericht landgericht oberlandesgericht verwaltungsgericht richter staatsanwalt staatsanwaltschaft tribunal cour juge parquet procureur " +
		"tribunale corte giudice procura procuratore juzgado juez fiscal fiscalia audiencia juiz rechtbank gerechtshof rechter domstol ret retten byret landsret dommer sad sedzia prokurator prokuratura",
	"regulator": "commission kommission commissione comision comissao commissie kommissionen komisja authority agency ministry behorde aufsichtsbehorde regulierungsbehorde regulierer amt ministerium agentur autorite regulateur agence ministere administration " +
		"autorita regolatore agenzia ministero autoridad regulador agencia ministerio autoridade autoriteit toezichthouder ministerie agentschap myndighed myndigheden styrelse tilsyn organ urzad ministerstwo agencja",
	"law":      "statute act gesetz verordnung loi decret legge decreto ley lei wet lov loven ustawa rozporzadzenie",
	"operator": "we us you ourselves wir selbst betreiber nous operateur noi operatore gestore nosotros operador nos wij exploitant vi udbyder os my",
	"party":    "plaintiff claimant partei klager klagerin antragsteller partie demandeur demanderesse plaignant parte attore ricorrente titolare demandante autor requerente partij eiser part sagsoger strona powod",
}

var article = regexp.MustCompile(`^(?:(?:an?|the|ein|eine|der|die|das|un[ae]?|uma?|le|la|il|lo|el|o|een|de|het|en|et) +|l' ?|un' ?)`)

var secretText = regexp.MustCompile(`^(?:(?:no|non|nein|nee|nej|nie|nao),? +)?(?:(?:it is|it's|the order is|is|es ist|ist|c'est|est|es|e|het is|den er|er|jest) +)?` +
	`(?:secret|secrete|secreto|secreta|segreto|segreta|segredo|secreta|geheim|hemmelig|tajny|tajne|tajna)$`)

func meansChoice(answer, choice string) bool {
	word := plainWords(answer)
	if choice == notPublic {
		return secretText.MatchString(word)
	}
	list := strings.Fields(kindWords[choice])
	return slices.Contains(list, word) || slices.Contains(list, article.ReplaceAllString(word, ""))
}
