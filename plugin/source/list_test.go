package source

import "testing"

func TestPlainList(t *testing.T) {
	for text, want := range map[string]kind{"names.txt": plainFile, "NAMES.TXT": plainFile, "names.txt/": directory, "*.txt": undecided, "names.text": undecided} {
		p, err := newPattern(text)
		if err != nil || p.kind != want {
			t.Errorf("%s: kind %d, want %d (error %v)", text, p.kind, want, err)
		}
	}
	for pattern, want := range map[string]bool{"d/names.txt": true, "d/*.txt": true, "d": false, "d/*": false} {
		if Names(pattern, "d/names.txt") != want {
			t.Errorf("%s: want %t", pattern, want)
		}
	}
	for path, want := range map[string]bool{"names.txt": true, "names.TXT": true, "a.json": false} {
		if got := (&tracked{path: path}).ragged('e', 9); got != want {
			t.Errorf("%s: ragged is %t", path, got)
		}
	}
	if (&tracked{path: "names.txt"}).ragged('\n', 9) {
		t.Error("a list with a last line end is ragged")
	}
}
