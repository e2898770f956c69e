package main

import "regexp"

var (
	// The word "no" is missing here, because "no" is also the country code of Norway.
	noneWords = []string{"none", "nothing", "keine", "keiner", "keines", "kein", "nichts", "aucun", "aucune", "neant", "rien", "nessuno", "nessuna", "niente", "ninguno", "ninguna", "nada",
		"nenhum", "nenhuma", "geen", "niets", "ingen", "intet", "brak", "zaden", "-", "\u2013", "\u2014", "./.", "n/a"}

	noNumber = regexp.MustCompile(`^(?:(?:es gibt |il n'y a |il y a |non c'e |there is |no hay |nao ha |er is |der er |nie ma )?` +
		`(?:no|without|without a|ohne|kein|keine|sans|pas de|aucun|aucune|senza|senza il|nessun|nessuna|sin|ningun|ninguna|sem|nenhum|nenhuma|zonder|geen|uden|ingen|intet|bez|brak|nie ma) ` +
		`(?:number|case number|file number|reference|nummer|aktenzeichen|az\.?|geschaftszeichen|geschaftsnummer|numero|numero de dossier|reference|riferimento|protocollo|` +
		`expediente|referencia|processo|zaaknummer|kenmerk|sagsnummer|journalnummer|numeru|numer|sygnatury|sygnatura|n°|n\.?|nr\.?)|no|non|nein|nee|nej|nie|nao)$`)

	noDate = regexp.MustCompile(`^(?:(?:no|without|without a|ohne|kein|sans|pas de|aucune|senza|nessuna|sin|ninguna|sem|nenhuma|zonder|geen|uden|ingen|bez|brak) (?:date|datum|data|fecha|dato|daty)|undated|undatiert|no|non|nein|nee|nej|nie|nao)$`)

	noNote = regexp.MustCompile(`^(?:no|without|without a|ohne|keine|sans|pas de|aucune|senza|nessuna|sin|ninguna|sem|nenhuma|zonder|geen|uden|ingen|bez|brak) (?:note|notiz|anmerkung|bemerkung|remarque|nota|annotazione|opmerking|notitie|bemaerkning|notat|uwagi|notatki)$|^(?:no|non|nein|nee|nej|nie|nao)$`)

	noEnd = regexp.MustCompile(`^(?:for ?ever|for good|no end|without end|without limit|permanent|permanently|indefinitely|until further notice|` +
		`fur immer|auf immer|endgultig|dauerhaft|unbefristet|zeitlich unbegrenzt|auf unbestimmte zeit|bis auf weiteres|kein ende|ohne ende|ohne enddatum|` +
		`pour toujours|a jamais|definitif|definitive|definitivement|sans fin|sans limite|sans limite de (?:duree|temps)|pas de fin|aucune fin|indefiniment|permanente|jusqu'a nouvel ordre|` +
		`per sempre|definitivo|definitiva|definitivamente|senza fine|senza scadenza|senza termine|nessuna fine|nessuna scadenza|a tempo indeterminato|fino a nuovo ordine|` +
		`para siempre|sin fin|sin limite|sin fecha de fin|indefinidamente|para sempre|sem fim|sem prazo|` +
		`voor altijd|voorgoed|zonder einde|geen einde|onbeperkt|voor onbepaalde tijd|for altid|for evigt|uden ende|ingen ende|indtil videre|` +
		`na zawsze|na stale|bez konca|bezterminowo|no|non|nein|nee|nej|nie|nao)$`)

	atOnce = regexp.MustCompile(`^(?:at once|immediately|straight away|right away|without delay|sofort|ab sofort|per sofort|unverzuglich|umgehend|` +
		`tout de suite|immediatement|des (?:la |sa )?(?:notification|reception)|sans delai|aussitot|subito|da subito|immediatamente|con effetto immediato|` +
		`inmediatamente|de inmediato|en seguida|enseguida|imediatamente|de imediato|onmiddellijk|meteen|direct|per direct|med det samme|straks|omgaende|natychmiast|od razu)$`)
)

func means(words *regexp.Regexp) func(answer string) bool {
	return func(answer string) bool { return words.MatchString(plainWords(answer)) }
}
