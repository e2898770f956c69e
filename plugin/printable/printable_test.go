package printable

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestLine(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"", ""},
		{"Tribunale di Milano, R.G. 13457/2022", "Tribunale di Milano, R.G. 13457/2022"},
		{"Рішення № 914", "Рішення № 914"},
		{`a "quoted" word`, `a "quoted" word`},
		{"two\nlines", `"two\nlines"`},
		{"carriage\rreturn", `"carriage\rreturn"`},
		{"tab\there", `"tab\there"`},
		{"NUL\x00", `"NUL\x00"`},
		{"clear\x1b[2J", `"clear\x1b[2J"`},
		{"8-bit CSI \u009b2J", `"8-bit CSI \u009b2J"`},
		{"\u202eelpmaxe", `"\u202eelpmaxe"`},
		{"isolate \u2066x\u2069", `"isolate \u2066x\u2069"`},
		{"line\u2028separator", `"line\u2028separator"`},
		{"zero\u200bwidth", `"zero\u200bwidth"`},
		{"\ufeffmark", `"\ufeffmark"`},
		{"no-break\u00a0space", `"no-break\u00a0space"`},
		{"ordonnance n\xb0 12.yaml", `"ordonnance n\xb0 12.yaml"`},
	} {
		if got := Line(tc.in); got != tc.want {
			t.Errorf("Line(%q) = %s, want %s", tc.in, got, tc.want)
		}
	}
}

func TestClean(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"914/2719", "914/2719"},
		{" two\r\nlines ", "two lines"},
		{"a\u202eb\u200b\u2028c", "a b c"},
		{"n\xb0 12", "n\uFFFD 12"},
		{"\x1b[2J", "[2J"},
		{"\n", ""},
		{"Glücks\u00adspiel\u00ad", "Glücksspiel"},
		{"می\u200cخواهم", "می\u200cخواهم"},
	} {
		if got := Clean(tc.in); got != tc.want {
			t.Errorf("Clean(%q) = %q, want %q", tc.in, got, tc.want)
		}
	}
}

func TestClip(t *testing.T) {
	for _, tc := range []struct {
		in   string
		most int
		want string
	}{
		{"", 0, ""},
		{"abc", 3, "abc"},
		{"abcd", 3, "abc..."},
		{"aбв", 3, "aб..."},
		{"aбв", 4, "aб..."},
		{"aбв", 5, "aбв"},
		{"a\U0001f9ee", 4, "a..."},
		{"б", 1, "..."},
		{"\x80\x80\x80\x80\x80\x80", 5, "\x80..."},
	} {
		if got := Clip(tc.in, tc.most); got != tc.want {
			t.Errorf("Clip(%q, %d) = %q, want %q", tc.in, tc.most, got, tc.want)
		}
	}
}

func FuzzLine(f *testing.F) {
	f.Add("a\nb\x80\u202e")
	f.Fuzz(func(t *testing.T, s string) {
		for _, out := range []string{Line(s), Clean(s)} {
			if !utf8.ValidString(out) || strings.ContainsAny(out, "\n\r\t\x00\x1b\u202e\u2028") {
				t.Errorf("%q gives %q", s, out)
			}
		}
	})
}
