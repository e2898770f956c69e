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

// TestWrappedPaste checks a list from a PDF in which some names are broken over two lines. Only
// these lines may need a decision. Domains must find all 400 names.
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
		"Court of X, annex 1\na.example\nCourt of X, annex 2": 2,
		"Court of X, annex 1\na.example":                      0,
		"exa mple.com\na.example\nexa mple.com":               0, // a broken name that occurs twice
		"bet- 365\na.example\nbet- 365":                       0,
		"Unblocked names\na.example\nUnblocked names":         0,
	} {
		res, _ := Domains(strings.NewReader("one.example\n\n"+text+"\n"), Options{Plain: true})
		if res.Passed != passed {
			t.Errorf("%q: %d lines are passed over, want %d: %+v", text, res.Passed, passed, res.Notes)
		}
	}
}
