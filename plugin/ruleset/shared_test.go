package ruleset

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/dname"
)

func TestShared(t *testing.T) {
	for _, lifts := range []int{1, 3 * longListFrom} {
		var b strings.Builder
		b.WriteString(`
- {id: a, issued: 2026-01-12, targets: [one.example, x.three.example, {name: four.example, match: exact}]}
- {id: b, issued: 2026-01-12, targets: [two.example, three.example, "*.four.example"]}
`)
		for i := range lifts {
			fmt.Fprintf(&b, "- {id: l/%d, action: lift, issued: 2026-02-12, scope: {clients: [10.0.%d.0/24]}, targets: [example, one.example]}\n", i, i)
		}
		s := set(t, b.String())
		for name, want := range map[string]bool{
			"one.example": false, "x.one.example": false, "two.example": false, "none.example": false, "example": false,
			"three.example": false, "x.three.example": true, "y.x.three.example": true, "four.example": true,
		} {
			n, err := dname.Parse(name)
			if got := s.Shared(n); err != nil || got != want {
				t.Errorf("%s with %d lifts: got %t, want %t", name, lifts, got, want)
			}
		}
	}
}
