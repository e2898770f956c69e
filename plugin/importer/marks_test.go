package importer

import (
	"strings"
	"testing"
)

func TestMarks(t *testing.T) {
	for _, tc := range []struct {
		list, want, says string
		refused          int
	}{
		{"1.a1.com\n2.a2.com\n3.a3.com\nb.com\n", "b.com", "begins with a number that counts the lines", 3},
		{"1.a1.com\n\n2.a2.com\n7.a7.com\n", "7.a7.com", "begins with a number that counts the lines", 2},
		{"01.a1.com\n02.a2.com\nb.com\n", "b.com", "begins with a number that counts the lines", 2},
		{"1.a1.com\n2.a1.com\n", "1.a1.com 2.a1.com", "", 0},
		{"1.a1.com\n3.a2.com\n", "1.a1.com 3.a2.com", "", 0},
		{"1.co.uk\n2.com.au\n", "1.co.uk 2.com.au", "", 0},
		{"+ a1.com\n- a2.com\n", "a1.com", "removes the name", 1},
		{"Names:\n- a1.com\n- a2.com\n", "a1.com a2.com", "", 1},
		{"a1.com\n\u2013 a2.com\n", "a1.com", "removes the name", 1},
	} {
		res, err := Domains(strings.NewReader(tc.list), Options{Plain: true})
		if err != nil {
			t.Errorf("%q: %v", tc.list, err)
			continue
		}
		said := tc.says == ""
		for _, n := range res.Notes {
			said = said || strings.Contains(n.Refused, tc.says)
		}
		if got := targetTexts(res); got != tc.want || res.Refused != tc.refused || !said {
			t.Errorf("%q: got %q and %d refused, want %q and %d, %q: %+v", tc.list, got, res.Refused, tc.want, tc.refused, tc.says, res.Notes)
		}
	}
}
