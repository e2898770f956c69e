package importer

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestBroken(t *testing.T) {
	for _, tc := range []struct {
		list                      string
		refuse, join, separate    string // the targets for each decision
		refused, joined, seprated int    // the number of refused lines for each decision
	}{
		{"guarda-film-\nstreaming.com\n",
			"", "guarda-film-streaming.com", "streaming.com", 2, 0, 1},
		{"a.example\nguarda-film-\nstreaming.com\nb.example\n",
			"a.example b.example", "a.example guarda-film-streaming.com b.example", "a.example streaming.com b.example", 2, 0, 1},
		{"serie-tv.co-\nm.example\n",
			"", "serie-tv.co-m.example", "m.example", 2, 0, 1},
		{"serie-tv.co-\n", "", "", "", 1, 1, 1},
		{"serie-\ntv-\nstreaming.com\n", "", "serie-tv-streaming.com", "streaming.com", 3, 0, 2},
		{"foo.com-\nbar.example\n", "", "foo.com-bar.example", "bar.example", 2, 0, 1},
		{"https://guarda-film-\nstreaming.com/\n", "", "guarda-film-streaming.com", "streaming.com", 2, 0, 1},

		{"guarda-film-\n\nstreaming.com\n", "", "guarda-film-streaming.com", "streaming.com", 2, 0, 1},
		{"guarda-film-\n- 3 -\n\fstreaming.com\n", "", "guarda-film-streaming.com", "streaming.com", 2, 0, 1},
		{"guarda-film-\n# a comment\nstreaming.com\n", "", "guarda-film-streaming.com", "streaming.com", 2, 0, 1},
		{"guarda-film- # a comment\nstreaming.com\n", "", "guarda-film-streaming.com", "streaming.com", 2, 0, 1},
		{"guarda-film-  \t\r\nstreaming.com\r\n", "", "guarda-film-streaming.com", "streaming.com", 2, 0, 1},
		{"12.\nexample.com\n", "example.com", "example.com", "example.com", 0, 0, 0},

		{"guarda-film\u2010\nstreaming.com\n", "", "guarda-film-streaming.com", "streaming.com", 2, 0, 1},
		{"guarda-film\u2013\nstreaming.com\n", "", "guarda-film-streaming.com", "streaming.com", 2, 0, 1},
		{"guarda\u00ad\nstreaming.com\n", "", "guardastreaming.com", "streaming.com", 2, 0, 1},
		{"guarda-film\\\nstreaming.com\n", "", "guarda-filmstreaming.com", "streaming.com", 2, 0, 1},

		// These lists are enumerations or tables.
		{"guarda-film-).\nstreaming.com\n", "", "guarda-film-streaming.com", "streaming.com", 2, 0, 1},
		{"| guarda-film- |\n| streaming.com |\n", "", "", "streaming.com", 2, 2, 1},
		{"1. guarda-film-\nstreaming.com\n2. b.example\n", "b.example", "guarda-film-streaming.com b.example", "streaming.com b.example", 2, 0, 1},
		{"1\tguarda-film-\t2024-05-01\nstreaming.com\n", "", "", "streaming.com", 2, 2, 1},
		{"guarda-film-,\nstreaming.com\n", "", "guarda-film-streaming.com", "streaming.com", 2, 0, 1},

		{"example.\ncom\n", "", "example.com", "", 2, 0, 2},
		{"www.example.\nexample.net\n", "www.example example.net", "www.example example.net", "www.example example.net", 0, 0, 0},
		{"www.shop.\nexample.net\n", "www.shop example.net", "www.shop example.net", "www.shop example.net", 0, 0, 0},
		{"www.guarda.\nstreaming.com\n", "", "www.guarda.streaming.com", "www.guarda streaming.com", 2, 0, 0},
		{"example.co.\nuk\n", "", "example.co.uk", "example.co", 2, 0, 1},
		{"example.com.\n\nRome\n", "example.com", "example.com", "example.com", 1, 1, 1},
		{"example.com.\nName\n", "example.com", "example.com", "example.com", 1, 1, 1},
		{"https://www.\nexample.com\n", "", "www.example.com", "example.com", 2, 0, 1},
		{"a.example.com.\nb.example.com.\n", "a.example.com b.example.com", "a.example.com b.example.com", "a.example.com b.example.com", 0, 0, 0},
		{"guarda\n.example.com\n", "", "guarda.example.com", "example.com", 2, 0, 1},

		// In these lists, a line begins with a hyphen.
		{"guarda.example\n-film.example.com\n", "", "guarda.example-film.example.com", "guarda.example -film.example.com", 2, 0, 0},
		{"-film.example.com\n", "", "", "-film.example.com", 1, 1, 0},
		{"a.example\n- b.example\n-----\nc.example\n", "a.example c.example", "a.example c.example", "a.example b.example c.example", 1, 1, 0},
		{"a1.com\na3.com\n- a2.com\n", "a1.com a3.com", "a1.com a3.com", "a1.com a3.com a2.com", 1, 1, 0},
		{"Names:\n- a1.com\n- a2.com\n", "a1.com a2.com", "a1.com a2.com", "a1.com a2.com", 1, 1, 1},

		// In these lists, a line begins with a dot.
		{"www.guarda-film\n.streaming.com\n", "", "www.guarda-film.streaming.com", "www.guarda-film streaming.com", 2, 0, 0},
		{"a1.com\n.a2.com\na3.com\n", "a3.com", "a1.com.a2.com a3.com", "a1.com a2.com a3.com", 2, 0, 0},
		{".a1.com\n.a2.com\n", "a1.com a2.com", "a1.com a2.com", "a1.com a2.com", 0, 0, 0},
	} {
		for decided, want := range map[string]struct {
			targets string
			refused int
		}{"": {tc.refuse, tc.refused}, "refuse": {tc.refuse, tc.refused}, "join": {tc.join, tc.joined}, "separate": {tc.separate, tc.seprated}} {
			opt := Options{Decide: map[Form]string{}}
			if decided != "" {
				opt.Decide[Hyphen] = decided
			}
			res, err := Domains(strings.NewReader(tc.list), opt)
			if res == nil {
				t.Errorf("%q %s: %v", tc.list, decided, err)
				continue
			}
			if got := targetTexts(res); got != want.targets || res.Refused != want.refused {
				t.Errorf("%q %s: got %q and %d refused, want %q and %d", tc.list, decided, got, res.Refused, want.targets, want.refused)
			}
			for _, n := range res.Notes {
				if n.Refused != "" && (decided == "" || decided == "refuse") && tc.refused == 2 && n.Needs != Hyphen {
					t.Errorf("%q: line %d is refused without naming --hyphen: %+v", tc.list, n.Line, n)
				}
			}
		}
	}
}

func TestMaybeOneName(t *testing.T) {
	for list, want := range map[string]string{
		"guardafilm\nstreaming.com\n":          "2: follows a word without a dot",
		"guardafilm/\nstreaming.com\n":         "2: follows a word without a dot",
		"example.co\nm\n":                      "1: comes before a word without a dot",
		"guardafilm\nPage 2\nstreaming.com\n":  "3: follows a word without a dot",
		"Domains\nstreaming.com\n":             "",
		"guardafilm\n\nstreaming.com\n":        "",
		"1. one.example\n2. guardafilm\n":      "",
		"two words\nstreaming.com\n":           "",
		"streaming.com\n# a\nfilm.example.net": "",
	} {
		res, err := Domains(strings.NewReader(list), Options{})
		if err != nil {
			t.Fatal(err)
		}
		var got string
		for _, n := range res.Notes {
			for _, w := range n.Warnings {
				got += fmt.Sprintf("%d: %s", n.Line, w)
			}
		}
		if !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%q: got %q, want %q", list, got, want)
		}
	}
}

func TestJoinedNote(t *testing.T) {
	list := "a.example\n3. serie-\n- 2 -\ntv- \nstreaming.com\n"
	res, err := Domains(strings.NewReader(list), Options{Decide: map[Form]string{Hyphen: "join"}})
	if err != nil {
		t.Fatal(err)
	}
	n := res.Notes[0]
	if n.Line != 2 || n.Raw != "3. serie-" || !slices.Equal(n.Targets, []string{"serie-tv-streaming.com"}) {
		t.Errorf("the note of the joined name: %+v", n)
	}
	if want := []Rest{{4, "tv- "}, {5, "streaming.com"}}; !slices.Equal(n.Joined, want) {
		t.Errorf("joined: got %v, want %v", n.Joined, want)
	}
}

func TestWholeHostNote(t *testing.T) {
	list := "https://a.example.com/x\nhttps://a.example.com/y\n"
	for word, want := range map[string][]string{
		"host": {"a.example.com (exact)", "a.example.com (exact)"},
		"url":  {"https://a.example.com/x", "https://a.example.com/y"},
	} {
		res, err := Domains(strings.NewReader(list), Options{Decide: map[Form]string{Paths: word}})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, n := range res.Notes {
			got = append(got, n.Targets...)
		}
		if !slices.Equal(got, want) || len(res.Targets) != 2 {
			t.Errorf("%s: got %q and %d targets, want %q", word, got, len(res.Targets), want)
		}
	}
}

func TestPairs(t *testing.T) {
	const list = "a-\nb.example\nc-\nd.example\ne-\nf-\ng.example\n- h.example\ni.example\n- j.example\n"
	for _, tc := range []struct {
		lines   map[int]string
		typed   map[int]string
		targets string
		refused string // the numbers of the refused lines; "2<1" means that After is 1
	}{
		{nil, nil, "i.example", "1 2<1 3 4<3 5 6<5 7<6 8 10"},
		{map[int]string{2: "join"}, nil, "a-b.example i.example", "3 4<3 5 6<5 7<6 8 10"},
		{map[int]string{2: "join", 4: "separate"}, nil, "a-b.example d.example i.example", "3 5 6<5 7<6 8 10"},
		{map[int]string{6: "join"}, nil, "i.example", "1 2<1 3 4<3 5 7<5 8 10"},
		{map[int]string{6: "join", 7: "join", 8: "separate"}, nil, "e-f-g.example h.example i.example", "1 2<1 3 4<3 10"},
		{map[int]string{2: "refuse", 8: "refuse"}, nil, "i.example", "1 2<1 3 4<3 5 6<5 7<6 8 10"},
		{map[int]string{2: "drop", 4: "join"}, nil, "ab.example c-d.example i.example", "5 6<5 7<6 8 10"},
		{map[int]string{4: "join"}, map[int]string{2: "z.example", 7: "y.example"}, "z.example c-d.example y.example i.example", "5 8 10"},
	} {
		res, err := Domains(strings.NewReader(list), Options{Lines: tc.lines, Typed: tc.typed})
		if err != nil {
			t.Fatal(err)
		}
		var refused []string
		for _, n := range res.Notes {
			switch {
			case n.Refused != "" && n.After > 0:
				refused = append(refused, fmt.Sprintf("%d<%d", n.Line, n.After))
			case n.Refused != "":
				refused = append(refused, fmt.Sprint(n.Line))
			}
		}
		if got := targetTexts(res); strings.TrimSpace(got) != tc.targets || strings.Join(refused, " ") != tc.refused {
			t.Errorf("%v: %q, refused %q", tc.lines, got, refused)
		}
	}
	if _, err := Domains(strings.NewReader(list), Options{Lines: map[int]string{2: "glue"}}); err == nil {
		t.Error("an unknown word is accepted")
	}
}

func TestDropHyphen(t *testing.T) {
	for list, want := range map[string]string{
		"exam-\nple.org\n":                "example.org",
		"1. exam-\nple.org\n":             "example.org",
		"exam\u2010 \n  ple.org\n":        "example.org",
		"\u201eexam-\nple.org\u201c\n":    "example.org",
		"exam\n-ple.org\nb.example\n":     "example.org b.example",
		"example.\norg\n":                 "example.org",
		"my-exam-\nple.org\n":             "my-example.org",
		"a.example guarda-\nfilm.example": "",
	} {
		res, _ := Domains(strings.NewReader(list), Options{Decide: map[Form]string{Hyphen: "drop"}})
		if got := strings.TrimSpace(targetTexts(res)); got != want {
			t.Errorf("%q: got %q, want %q", list, got, want)
		}
	}
}
