package importer

import (
	"fmt"
	"strings"
	"testing"
)

func TestGroups(t *testing.T) {
	const list = "https://a.example\nhttps://b.example\n*.c.example\n*.d.example\nbad-.a.example\nworse-.a.example\nPage 1 of 2\n" +
		"e.example \"x\nf^.example\ng$.example\n"
	res, err := Domains(strings.NewReader(list), Options{Decide: map[Form]string{TextAfter: Skip}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range Groups(res.Notes) {
		reason, _, _ := strings.Cut(g.Reason, ",")
		got = append(got, fmt.Sprintf("%s %v %s%s", g.Kind, g.Lines, reason, g.Needs))
		if len(g.Notes) != len(g.Lines) {
			t.Errorf("%+v", g)
		}
		for i, at := range g.Notes {
			if res.Notes[at].Line != g.Lines[i] {
				t.Errorf("%+v: the note %d is about line %d", g, at, res.Notes[at].Line)
			}
		}
	}
	want := []string{
		"cleaned [1 2] removed the scheme",
		`refused [3 4] has a mask; it is unclear whether "*.example.com" includes example.commask`,
		`warned [5 6] has the label "bad-"`,
		"passed [7] a page number",
		"skipped [8] has text after the name",
		"refused [9 10] has the character '^'",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
