package edit

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestDiff(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		text := func() string {
			var b strings.Builder
			for range r.IntN(12) {
				b.WriteString(string(rune('a'+r.IntN(4))) + "\n")
			}
			return b.String()
		}
		was, is := text(), text()
		var a, b strings.Builder
		for _, h := range Diff([]byte(was), []byte(is), 100) {
			for _, l := range h.Lines {
				if l.Sign != '+' {
					a.WriteString(l.Text + "\n")
				}
				if l.Sign != '-' {
					b.WriteString(l.Text + "\n")
				}
			}
		}
		if was != is && (a.String() != was || b.String() != is) {
			t.Fatalf("%q and %q: got %q and %q", was, is, a.String(), b.String())
		}
	}
	var got strings.Builder
	for _, h := range Diff([]byte("1\n2\n3\n4\n5\n6\n7\n8\n9\n"), []byte("1\nb\n3\n4\n5\n6\n7\n8\n9\n10\n"), 1) {
		got.WriteString(h.Title() + "\n")
		for _, l := range h.Lines {
			got.WriteString(string(l.Sign) + l.Text + "\n")
		}
	}
	if want := "@@ -1,3 +1,3 @@\n 1\n-2\n+b\n 3\n@@ -9,1 +9,2 @@\n 9\n+10\n"; got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
}
