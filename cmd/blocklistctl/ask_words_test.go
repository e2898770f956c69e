package main

import "testing"

// TestWords checks that each language has the words of the questions. The languages are those of
// yesWords: English, Italian, Spanish, French, German, Dutch, Danish, Polish and Portuguese.
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
