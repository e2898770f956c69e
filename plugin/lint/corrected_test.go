package lint

import (
	"slices"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/order"
)

func TestCorrections(t *testing.T) {
	const head = `version: 1
orders:
- {id: a, authority: {name: A}, references: [R], scope: global, review: 2027-01-01, targets: [one.example, www.one.example, two.example, {address: 192.0.2.1}]}
`
	for _, c := range []struct {
		lift string
		left int
	}{
		{``, 4},
		{`- {id: l, action: lift, lifts: [a], authority: {name: op, kind: operator}, from: 2026-01-01, targets: [two.example]}`, 3},
		{`- {id: l, action: lift, lifts: [a], authority: {name: op, kind: operator}, from: 2026-01-01, targets: [one.example]}`, 2},
		{`- {id: l, action: lift, lifts: [a], authority: {name: op, kind: operator}, from: 2026-01-01, targets: [www.two.example]}`, 4},
		{`- {id: l, action: lift, lifts: [a], authority: {name: op, kind: operator}, from: 2026-01-01}`, 4},
		{`- {id: l, action: lift, lifts: [a], authority: {name: op, kind: operator}, from: 2026-01-01, until: 2026-02-01, targets: [two.example]}`, 4},
		{`- {id: l, action: lift, lifts: [a], authority: {name: A, kind: court}, from: 2026-01-01, targets: [two.example]}`, 4},
		{`- {id: l, action: lift, lifts: [b], authority: {name: op, kind: operator}, from: 2026-01-01, targets: [two.example]}`, 4},
		{`- {id: l, action: lift, lifts: [a], authority: {name: op, kind: operator}, status: draft, from: 2026-01-01, targets: [two.example]}`, 4},
	} {
		f, problems := order.Parse("a.yaml", strings.NewReader(head+c.lift+"\n"), order.Options{})
		if bad := problems.Errors(); len(bad) > 0 {
			t.Fatal(bad)
		}
		if n := FindCorrections(slices.Values(f.Orders)).Remaining(f.Orders[0]); n != c.left {
			t.Errorf("%s: %d targets remain, want %d", c.lift, n, c.left)
		}
	}
}
