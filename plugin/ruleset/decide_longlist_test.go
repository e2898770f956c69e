package ruleset

import (
	"fmt"
	"strings"
	"testing"
)

// TestLongListShared checks two names that share one list of rules. Lifts in another file
// end the orders of only one name.
func TestLongListShared(t *testing.T) {
	orders, _ := manyOrders(longListFrom, "{name: c.example, match: exact}, {name: www.c.example, match: exact}", "", nil, nil)
	for _, lifted := range []string{"c.example", "www.c.example"} {
		var lifts strings.Builder
		for i := range longListFrom {
			fmt.Fprintf(&lifts, "- {id: l%d, action: lift, lifts: [c%d], issued: 2025-02-01, targets: [{name: %s, match: exact}]}\n", i, i, lifted)
		}
		s := apart(Options{}, part(t, "a.yaml", orders), part(t, "b.yaml", lifts.String()))
		for _, name := range []string{"c.example", "www.c.example"} {
			v := s.Decide(asked(t, name), Query{Now: at(t, "2026-01-01")})
			if v.Blocked() != (name != lifted) {
				t.Errorf("%s with %s lifted: %+v", name, lifted, v)
			}
		}
	}
}
