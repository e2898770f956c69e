package ruleset

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/order"
)

func TestFull(t *testing.T) {
	b := NewBuilder("a.yaml", Options{})
	b.index.Max = 9 << 10
	_, ps := order.Parse("a.yaml", strings.NewReader("version: 1\norders: [{id: a, authority: {name: X}, scope: global, targets: ["+strings.Repeat("x.example, ", 10)+manyNames(200)+"]}]"), order.Options{Emit: b.Add})
	if len(ps.Errors()) > 0 {
		t.Fatal(ps)
	}
	_, ps = b.Freeze()
	if want := "a.yaml: has more names than an index of 4 GiB has room for; split it into several files"; ps.Errors().Error() != want {
		t.Errorf("got %v, want %s", ps, want)
	}
}

func manyNames(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "n%d.example, ", i)
	}
	return b.String()
}

func TestMergeBounded(t *testing.T) {
	defer func(n int) { maxMerged = n }(maxMerged)
	var parts []*Part
	for i := range 5 {
		parts = append(parts, part(t, fmt.Sprintf("p%d.yaml", i), fmt.Sprintf("- {id: o%d, targets: [n%d.example]}", i, i)))
	}
	size := parts[0].names.Bytes()
	for most, want := range map[int]int{1: 5, 2 * size: 3, 3 * size: 2, 5 * size: 1, 1 << 30: 1} {
		maxMerged = most
		s := Merge(parts, Options{})
		if len(s.segments) != want {
			t.Errorf("%d octets: %d segments, want %d", most, len(s.segments), want)
		}
		for i := range 5 {
			if v := s.Decide(asked(t, fmt.Sprintf("n%d.example.", i)), Query{}); id(v) != fmt.Sprintf("o%d", i) {
				t.Errorf("%d octets: n%d.example is decided by %s", most, i, id(v))
			}
		}
	}
}
