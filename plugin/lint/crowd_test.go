package lint

import (
	"fmt"
	"strings"
	"testing"
)

func TestCrowd(t *testing.T) {
	const n = 3000
	const unfinished = "too many orders have the same targets, so not all targets were compared"
	orders := func(scope func(i int) string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "- {id: %q, %stargets: [a.example]}\n", fmt.Sprintf("o/%d", i), scope(i))
		}
		return b.String()
	}
	got := warnings(t, orders(func(int) string { return "" }), nil)
	if lines := strings.Count(got, "is already covered by order"); lines != n-1 || strings.Contains(got, unfinished) {
		t.Errorf("%d of %d orders are covered, unfinished %t", lines, n, strings.Contains(got, unfinished))
	}
	got = warnings(t, orders(func(i int) string { return fmt.Sprintf("scope: {clients: [10.%d.%d.0/24]}, ", i/256, i%256) }), nil)
	if !strings.HasPrefix(got, " : "+unfinished) {
		t.Errorf("orders of different clients: got %.200q, want %s", got, unfinished)
	}
}
