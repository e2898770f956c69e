package main

import (
	"maps"
	"slices"
	"testing"

	"github.com/dns-orders/blocklist/plugin/order"
)

func TestWords(t *testing.T) {
	for _, words := range [][5]string{
		{"yes", "no", "all", "done", "back"},
		{"sì", "no", "tutti", "fatto", "indietro"},
		{"sí", "no", "todas", "hecho", "atrás"},
		{"Oui", "non", "toutes", "fini", "retour"},
		{"ja", "nein", "Alle", "fertig", "zurück"},
		{"ja", "nee", "alles", "klaar", "terug"},
		{"ja", "nej", "alle", "færdig", "tilbage"},
		{"tak", "nie", "wszystkie", "gotowe", "wstecz"},
		{"sim", "não", "todos", "feito", "voltar"},
	} {
		yes, ok := yesOrNo(words[0])
		no, known := yesOrNo(words[1])
		if !yes || !ok || no || !known || !isWord(allWords, words[2]) || !isWord(doneWords, words[3]) || !isWord(backWords, words[4]) {
			t.Errorf("%q", words)
		}
	}
}

func TestMeaning(t *testing.T) {
	for kind, q := range map[string]question{
		"number": {optional: true, none: means(noNumber)}, "end": {optional: true, none: means(noEnd)}, "begin": {optional: true, none: means(atOnce)},
		"date": {optional: true, none: means(noDate)}, "note": {optional: true, none: means(noNote)}, "other": {optional: true},
	} {
		for _, answer := range map[string][]string{
			"number": {"no number", "without a number", "senza numero", "nessun numero", "sin número", "sans numéro", "Pas de numéro", "ohne Nummer", "kein Aktenzeichen", "zonder nummer", "uden nummer", "bez numeru", "sem número", "nein", "none"},
			"end":    {"forever", "for ever", "per sempre", "senza fine", "para siempre", "pour toujours", "à jamais", "für immer", "endgültig", "kein Ende", "unbefristet", "voor altijd", "for evigt", "bez końca", "para sempre", "non", "keine"},
			"begin":  {"at once", "immediately", "subito", "con effetto immediato", "de inmediato", "tout de suite", "Immédiatement", "sofort", "ab sofort", "unverzüglich", "onmiddellijk", "straks", "natychmiast", "imediatamente"},
			"date":   {"no date", "ohne Datum", "kein Datum", "sans date", "senza data", "sin fecha", "zonder datum", "uden dato", "bez daty", "sem data", "nein"},
			"note":   {"no note", "keine Notiz", "pas de note", "nessuna nota", "non", "nein"},
			"other":  {"none", "nessuno", "ninguno", "aucun", "keine", "geen", "ingen", "brak", "nenhum", "-"},
		}[kind] {
			if got := q.meaning(answer, ""); got != "" {
				t.Errorf("%s: %q is %q, want an empty line", kind, answer, got)
			}
		}
		for _, answer := range []string{"NO", "now", "31/2026", "ohne 7", "no. 7", "n° 26/04112", "30 days"} {
			if kind != "other" && answer == "NO" {
				continue // an answer in these questions, but Norway in others
			}
			if got := q.meaning(answer, "offer"); got != answer {
				t.Errorf("%s: %q is %q, want the answer", kind, answer, got)
			}
		}
		if got := q.meaning("none", "offer"); got != "" {
			t.Errorf("%s: none is %q, want no answer in place of the offer", kind, got)
		}
	}
	if q := (question{optional: true, none: means(atOnce)}); q.meaning("sofort", "now") != "now" {
		t.Error("sofort is not the offer")
	}
	if q := (question{}); q.meaning("none", "") != "none" {
		t.Error("a required question has no answer")
	}
}

// TestUnquoted checks the quotation marks around an answer.
func TestUnquoted(t *testing.T) {
	for answer, want := range map[string]string{
		` "RG 1/26" `: "RG 1/26", "« Tribunal de Paris »": "Tribunal de Paris", "„name.example“": "name.example", "“a”": "a", "name.example": "name.example",
		`"a" and "b"`: `"a" and "b"`, `the "a"`: `the "a"`, `"a`: `"a`, `""`: `""`, "": "", "d'appello": "d'appello",
	} {
		if got := unquoted(answer); got != want {
			t.Errorf("%q: got %q, want %q", answer, got, want)
		}
	}
}

// TestSlug checks the letters of ids.
func TestSlug(t *testing.T) {
	for _, tc := range []struct{ text, country, want string }{
		{"Landgericht München", "DE", "landgericht-muenchen"}, {"Straßburger Gericht ÄÖÜ", "at", "strassburger-gericht-aeoeue"}, {"Zu\u0308rich", "CH", "zuerich"},
		{"Göteborgs tingsrätt", "SE", "goteborgs-tingsratt"}, {"Cour d’appel de Nîmes", "FR", "cour-d-appel-de-nimes"}, {"Sąd w Łodzi", "PL", "sad-w-lodzi"},
		{"Københavns Byret æ", "DK", "kobenhavns-byret-ae"}, {"Straße", "", "strasse"},
	} {
		if got := slug(tc.text, usesGerman(tc.country)); got != tc.want {
			t.Errorf("%q: got %q, want %q", tc.text, got, tc.want)
		}
	}
}

// TestScopeText checks the countries of a scope in words.
func TestScopeText(t *testing.T) {
	for _, tc := range []struct {
		countries []string
		want      string
	}{
		{[]string{"IT"}, "The order covers clients in Italy."},
		{[]string{"EU"}, "The order covers clients in the European Union."},
		{[]string{"DK", "de"}, "The order covers clients in Denmark, Germany.\nIt does not cover clients in the territories of Denmark: Faroe Islands, Greenland. If it shall cover them too, write back, and then DK+."},
		{[]string{"FR+"}, "The order covers clients in France with its territories."},
	} {
		if got := scopeText(tc.countries); got != tc.want {
			t.Errorf("got %q, want %q", got, tc.want)
		}
	}
}

func TestReferenceSlug(t *testing.T) {
	for text, want := range map[string]string{
		"n° 26/04112": "26-04112", "N°26/04112": "26-04112", "RG n° 26/04112": "rg-26-04112", "Az. 21 O 1234/26": "21-o-1234-26", "Az.: 21 O 1234/26": "21-o-1234-26",
		"Nr. 7/2026": "7-2026", "n. 31/2026": "31-2026", "R.G. 31/2026": "r-g-31-2026", "31/2026": "31-2026", "Noerr 5": "noerr-5", "n°": "n",
	} {
		if got := referenceSlug(text, true); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestMeansChoice(t *testing.T) {
	for kind, words := range map[string][]string{
		"court":     {"Gericht", "ein Gericht", "tribunal", "la cour", "tribunale", "Corte", "juzgado", "rechtbank", "domstol", "sąd", "juiz"},
		"regulator": {"Behörde", "régulateur", "autorité", "l'autorità", "autoridad", "autoridade", "toezichthouder", "myndighed", "urząd", "ministry", "Comisión", "comisión", "commission", "la commission", "Kommission", "commissione", "comissão"},
		"law":       {"Gesetz", "la loi", "legge", "ley", "lei", "wet", "lov", "ustawa"},
		"operator":  {"wir", "nous", "noi", "nosotros", "wij", "vi", "my", "nós"},
		notPublic:   {"secret", "secreto", "no, es secreto", "segreto", "geheim", "no, è segreto", "nein, geheim", "non, c'est secret"},
		"party":     {"Partei", "partie", "parte", "partij", "strona", "Klägerin"},
	} {
		for _, word := range words {
			for _, other := range append(slices.Collect(maps.Keys(kindWords)), notPublic) {
				if got := meansChoice(word, other); got != (other == kind) {
					t.Errorf("%q means %s: %t", word, other, got)
				}
			}
		}
	}
}

// TestCountriesIn checks the countries of a scope in words.
func TestCountriesIn(t *testing.T) {
	for answer, want := range map[string][]string{
		"la France entière y compris l'outre-mer": {"FR+"}, "la France entière, y compris l’outre-mer": {"FR+"}, "France et outre-mer": {"FR+"}, "Frankreich mit Überseegebieten": {"FR+"},
		"FR+": {"FR+"}, "fr +": {"FR+"}, "Francia con i territori d'oltremare": {"FR+"}, "France (avec les DOM-TOM)": {"FR+"}, "Denmark and its territories": {"DK+"},
		"Italien und Frankreich": {"IT", "FR"}, "toute la France": {"FR"}, "ganz Deutschland": {"DE"}, "tutta l'Italia": {"IT"}, "Allemagne": {"DE"}, "Germania": {"DE"}, "Alemania": {"DE"},
		"Alemanha": {"DE"}, "Duitsland": {"DE"}, "Tyskland": {"DE"}, "Niemcy": {"DE"}, "Francja": {"FR"}, "Frankrig": {"FR"}, "Royaume-Uni": {"GB"}, "Trinidad und Tobago": {"TT"},
		"Bosnia and Herzegovina": {"BA"}, "IT, Österreich": {"IT", "AT"}, "Italy; CH": {"IT", "CH"}, "Atlantis": nil, "Italy and Atlantis": nil, "la": {"LA"}, "everyone": nil, "l'outre-mer": nil,
	} {
		var got []string
		for _, word := range scopeWords(answer) {
			got = append(got, countriesIn(word)...)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", answer, got, want)
		}
	}
}

func TestOrdinal(t *testing.T) {
	for text, want := range map[string]int{
		"300": 300, "Nr. 300": 300, "n° 300": 300, "N°300": 300, "300e": 300, "n. 300": 300, "the 300th site": 300, "300.": 300, "le 300e": 300, "la 300ème": 300, "#300": 300, "3rd": 3, "el sitio n.º 300": 300, "sitio 300": 300, "site 300": 300, "il sito n. 300": 300, "le site n° 300": 300,
		"300.example": 0, "0": 0, "300 a.example": 0, "9292.nl": 0,
	} {
		if got, ok := ordinal(text); got != want || ok != (want > 0) {
			t.Errorf("%q: got %d, want %d", text, got, want)
		}
	}
}

func TestStatedCount(t *testing.T) {
	for text, want := range map[string]int{
		"12": 12, "12 names": 12, "dos": 2, "due": 2, "deux": 2, "Zwei": 2, "fünf": 5, "twelve": 12, "uno": 1,
		"a": 0, "en total 5": 0, "1.234": 0, "1 500": 0, "12abc": 0, "many": 0, "-1": 0,
	} {
		if got, ok := statedCount(text); got != want || ok != (want > 0) {
			t.Errorf("%q: got %d, want %d", text, got, want)
		}
	}
}

func TestTimeRange(t *testing.T) {
	x := &editing{now: order.FromTime(clock()), file: &order.File{Timezone: "Europe/Rome"}}
	for text, want := range map[string]string{
		"de 20h45 à 23h15": "2026-05-01T20:45 2026-05-01T23:15", "von 18:30 bis 20:45 Uhr": "2026-05-01T18:30 2026-05-01T20:45", "dalle 20.45 alle 23.15": "2026-05-01T20:45 2026-05-01T23:15",
		"dalle ore 9 alle ore 11:30": "2026-05-01T09:00 2026-05-01T11:30", "from 20:45 to 23:15": "2026-05-01T20:45 2026-05-01T23:15", "von 22 Uhr bis 1 Uhr": "2026-05-01T22:00 2026-05-02T01:00",
		"le 3 mai 2026 de 20h45 à 23h15": "2026-05-03T20:45 2026-05-03T23:15", "domani dalle 20.45 alle 23.15": "2026-05-02T20:45 2026-05-02T23:15",
		"am 3. Mai 2026 von 18:30 bis 20:45 Uhr": "2026-05-03T18:30 2026-05-03T20:45", "von 18:30 bis 20:45 Uhr am 3. Mai 2026": "2026-05-03T18:30 2026-05-03T20:45",
		"de las 20:45 a las 23:15": "2026-05-01T20:45 2026-05-01T23:15", "das 20h45 às 23h15": "2026-05-01T20:45 2026-05-01T23:15", "van 20.45 tot 23.15 uur": "2026-05-01T20:45 2026-05-01T23:15",
		"fra kl. 20.45 til 23.15": "2026-05-01T20:45 2026-05-01T23:15", "od 20:45 do 23:15": "2026-05-01T20:45 2026-05-01T23:15",
		"vom 3. Mai 2026 bis 5. Mai 2026": "2026-05-03 2026-05-05", "du 3 mai 2026 au 5 mai 2026": "2026-05-03 2026-05-05", "dal 3 maggio 2026 al 5 maggio 2026": "2026-05-03 2026-05-05",
		"desde las 20 horas hasta las 23 horas": "2026-05-01T20:00 2026-05-01T23:00", "de 25h00 à 26h00": "", "2026-05-01": "", "20h45": "", "am 3. Mai 2026": "", "de 03/04/2026 à 05/06/2026": "",
	} {
		got := ""
		if begin, end, ok := x.timeRange(text); ok {
			got = begin + " " + end
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// TestListWords checks several names in one answer.
func TestListWords(t *testing.T) {
	for answer, want := range map[string][]string{
		"« a.example » et « b.example »": {"a.example", "b.example"}, "„a.example“ und „b.example“": {"a.example", "b.example"}, "a.example e b.example": {"a.example", "b.example"},
		"a.example, b.example samt Unterseiten": {"a.example", "b.example"}, "a.example; b.example": {"a.example", "b.example"}, "3 und 5": {"3", "5"},
		"a.example ohne Unterseiten": {"a.example", "ohne", "Unterseiten"},
	} {
		if got := listWords(answer); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", answer, got, want)
		}
	}
}
