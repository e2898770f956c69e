package order

import (
	"slices"
	"testing"
)

func TestNearest(t *testing.T) {
	words := []string{"references", "reported", "served", "status", "agcom/2026/1", "agcom/2026/12", "id", "ЗАБОРОНА-1"}
	for word, want := range map[string]string{
		"refrences": "references", "reference": "references", "Reported": "reported", "servde": "served", "staus": "status",
		"agcom-2026-1": "agcom/2026/1", "agcom/2026/2": "", "agcom/2026/21": "", "agcm/2026/12": "agcom/2026/12",
		"ID": "id", "ip": "", "xy": "", "completely": "", "": "", "served": "served", "забарона-1": "ЗАБОРОНА-1",
	} {
		if got := Nearest(word, slices.Values(words)); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
	for _, tc := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"ab", "ba", 1}, {"kitten", "sitting", 3}, {"abcdef", "ghijkl", 6}, {"ca", "abc", 3}} {
		for limit := 1; limit < 9; limit++ {
			if got := distance([]rune(tc.a), []rune(tc.b), limit); min(got, limit) != min(tc.want, limit) {
				t.Errorf("%q, %q below %d: got %d, want %d", tc.a, tc.b, limit, got, tc.want)
			}
		}
	}
}
