package main

import "testing"

// TestWords checks the words for answers, for example "yes". Each language of yesWords must have
// them: English, Italian, Spanish, French, German, Dutch, Danish, Polish and Portuguese.
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

// TestMeaning checks the words for an empty line in the nine languages.
func TestMeaning(t *testing.T) {
	for kind, q := range map[string]question{
		"number": {optional: true, none: means(noNumber)}, "end": {optional: true, none: means(noEnd)}, "begin": {optional: true, none: means(atOnce)}, "other": {optional: true},
	} {
		for _, answer := range map[string][]string{
			"number": {"no number", "without a number", "senza numero", "nessun numero", "sin número", "sans numéro", "Pas de numéro", "ohne Nummer", "kein Aktenzeichen", "zonder nummer", "uden nummer", "bez numeru", "sem número", "nein", "none"},
			"end":    {"forever", "for ever", "per sempre", "senza fine", "para siempre", "pour toujours", "à jamais", "für immer", "endgültig", "kein Ende", "unbefristet", "voor altijd", "for evigt", "bez końca", "para sempre", "non", "keine"},
			"begin":  {"at once", "immediately", "subito", "con effetto immediato", "de inmediato", "tout de suite", "Immédiatement", "sofort", "ab sofort", "unverzüglich", "onmiddellijk", "straks", "natychmiast", "imediatamente"},
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
