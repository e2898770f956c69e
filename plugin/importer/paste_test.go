package importer

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func paste(t *testing.T, file string) (text string, names []string) {
	t.Helper()
	data, err := os.ReadFile("testdata/paste/" + file)
	if err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadFile("testdata/paste/names.txt")
	if err != nil {
		t.Fatal(err)
	}
	return string(data), strings.Fields(string(list))
}

func TestPastes(t *testing.T) {
	for _, file := range []string{"names.txt", "numbered.txt", "tabbed.txt"} {
		text, names := paste(t, file)
		res, err := Domains(strings.NewReader(text), Options{})
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if got := strings.Fields(targetTexts(res)); len(names) != 400 || !slices.Equal(got, names) || res.Refused > 0 {
			t.Errorf("%s: %d names, %d refused", file, len(got), res.Refused)
			for _, n := range res.Notes {
				if n.Refused != "" || len(n.Warnings) > 0 {
					t.Errorf("%+v", n)
				}
			}
		}
	}
}

func TestWrappedPaste(t *testing.T) {
	text, names := paste(t, "wrapped.txt")
	lines := strings.Split(text, "\n")
	whole := map[string]bool{} // names that are not broken
	for _, l := range lines {
		whole[strings.TrimSpace(l)] = true
	}
	var broken []string
	names = slices.DeleteFunc(names, func(n string) bool {
		if !whole[n] {
			broken = append(broken, n)
		}
		return !whole[n]
	})
	res, err := Domains(strings.NewReader(text), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Fields(targetTexts(res)); !slices.Equal(got, names) || len(broken) == 0 {
		t.Errorf("got %d names, want %d", len(got), len(names))
	}
	var refused []string
	for _, n := range res.Notes {
		if n.Refused == "" {
			continue
		}
		if n.Needs == "" && !strings.Contains(n.Raw, "Autorità") && !strings.Contains(n.Raw, "Elenco") {
			t.Errorf("a line that no option lets in: %+v", n)
		}
		if n.Needs == Hyphen {
			refused = append(refused, strings.TrimSpace(n.Raw))
		}
	}
	if strings.Join(refused, "") != strings.Join(broken, "") || res.Refused != 2*len(broken) {
		t.Errorf("%d lines are refused for their ends, %d in all: %q, want the halves of %q", len(refused), res.Refused, refused, broken)
	}

	_, names = paste(t, "wrapped.txt")
	res, err = Domains(strings.NewReader(text), Options{Decide: map[Form]string{Hyphen: "join"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Fields(targetTexts(res)); !slices.Equal(got, names) || res.Refused > 0 {
		t.Errorf("joined: %d names, %d refused", len(got), res.Refused)
	}
}

func TestPageLines(t *testing.T) {
	for text, passed := range map[string]int{
		"Page 3 of 12": 1, "Pagina 3 di 12": 1, "Seite 3 von 12": 1, "PAG. 3/12": 1, "Стр. 3 из 12": 1, "Page 3": 1,
		"- 3 -": 1, "— 12 —": 1, "3/12": 1, "3 of 12": 1, "Strana 3 z 12": 1,
		"12.": 1, "(12)": 1, "--------": 1, "_____": 1,
		"12/3": 0, "12": 0, "Page": 0, "page3.example.com": 0, "3 of the names": 0,
		"\f12\na.example": 1,
		"Court of X, annex 1\na.example\nCourt of X, annex 2":                                                      2,
		"Court of X, annex 1\na.example":                                                                           0,
		"Décision RG 26/04112 - page 2/4\na.example\nDécision RG 26/04112 - page 3/4":                              2,
		"Landgericht, Az. 21 O 1234/26, Seite 9 von 12\na.example\nLandgericht, Az. 21 O 1234/26, Seite 10 von 12": 2,
		"Ordinanza 31/2026 pag. 2/4\na.example\nOrdinanza 31/2026 pag. 3/4":                                        2,
		"Décision RG 26/04112 - page 2/4\na.example":                                                               0,
		"Décision RG 26/04112, p.2/4\na.example\nDécision RG 26/04112, p.3/4":                                      2,
		"a.example/1 page 2/4\nb.example\na.example/1 page 3/4":                                                    0,
		"samt Unterseiten": 1, "mit allen Subdomains": 1, "avec leurs sous-domaines": 1, "(con tutti i sottodomini)": 1, "and all subdomains.": 1, "y todos sus subdominios": 1,
		"ohne Subdomains": 0, "without subdomains": 0, "Subdomains": 0, "and all other names": 0,
		"exa mple.com\na.example\nexa mple.com":       0, // a broken name that occurs twice
		"bet- 365\na.example\nbet- 365":               0,
		"Unblocked names\na.example\nUnblocked names": 0,
	} {
		res, _ := Domains(strings.NewReader("one.example\n\n"+text+"\n"), Options{Plain: true})
		if res.Passed != passed {
			t.Errorf("%q: %d lines are passed over, want %d: %+v", text, res.Passed, passed, res.Notes)
		}
	}
}

func TestBelow(t *testing.T) {
	for text, want := range map[string]string{
		"a.example samt Unterseiten": "a.example", "a.example mit allen Subdomains": "a.example", "a.example, avec leurs sous-domaines": "a.example",
		"a.example con tutti i sottodomini;": "a.example", "1. a.example (and all subdomains)": "a.example", "„a.example“ samt Unterseiten": "a.example",
		"« a.example » et tous ses sous-domaines": "a.example", "https://a.example/ including all subdomains": "a.example",
		"« a.example » et « b.example »": "a.example b.example", "„a.example“ und „b.example“": "a.example b.example", "a.example e b.example": "a.example b.example",
		"a.example und b.example mit allen Subdomains": "a.example b.example", "“a.example” and “b.example”": "a.example b.example",
		"a.example ohne Subdomains": "", "a.example without subdomains": "", "a.example/page samt Unterseiten": "", "a.example with all subdomains except www": "",
	} {
		res, err := Domains(strings.NewReader(text+"\n"), Options{Decide: map[Form]string{Several: "split"}})
		if res == nil {
			t.Logf("%q: %v", text, err)
			res = &Result{}
		}
		if got := strings.Join(strings.Fields(targetTexts(res)), " "); got != want {
			t.Errorf("%q: got %q, want %q: %+v", text, got, want, res.Notes)
		}
	}
}
