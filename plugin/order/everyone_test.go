package order

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
)

func TestExemptsAll(t *testing.T) {
	for _, tc := range []struct {
		scope, exempt string
		want          bool
	}{
		{`global`, `["0.0.0.0/0", "::/0"]`, true},
		{`global`, `["0.0.0.0/1", "128.0.0.0/1", "::/0"]`, true},
		{`global`, `["::/0", "128.0.0.0/2", "192.0.0.0/2", "10.0.0.0/8", "0.0.0.0/1", "128.0.0.0/2"]`, true},
		{`global`, `["0.0.0.0/0"]`, false},
		{`global`, `["0.0.0.0/0", "::/1"]`, false},
		{`global`, `["0.0.0.0/1", "::/0"]`, false},
		{`global`, `[{clients: ["0.0.0.0/0"]}, {clients: ["::/0"]}]`, true},
		{`global`, `[{clients: ["0.0.0.0/0"]}, {clients: ["::/0"], until: 2030-01-01}]`, false},
		{`{countries: [IT]}`, `["0.0.0.0/0", "::/0"]`, true},
		{`{countries: [IT]}`, `["10.0.0.0/8"]`, false},
		{`{clients: [10.0.0.0/8]}`, `[10.0.0.0/8]`, true},
		{`{clients: [10.0.0.0/8]}`, `[10.128.0.0/9, 10.0.0.0/9]`, true},
		{`{clients: [10.0.0.0/8]}`, `[10.128.0.0/9]`, false},
		{`{clients: [10.1.0.0/16, "2001:db8::/32"]}`, `[10.0.0.0/8, "2001::/16"]`, true},
		{`{clients: [10.1.0.0/16, "2001:db8::/32"]}`, `[10.0.0.0/8]`, false},
		{`{countries: [IT], clients: [10.0.0.0/8]}`, `[10.0.0.0/8]`, false},
	} {
		text := fmt.Sprintf("version: 1\norders:\n- {id: a, authority: {name: A}, targets: [a.example], scope: %s, exempt: %s}\n", tc.scope, tc.exempt)
		f, problems := Parse("x.yaml", strings.NewReader(text), Options{})
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		if got := f.Orders[0].ExemptsAll(math.MaxInt64); got != tc.want {
			t.Errorf("scope %s, exempt %s: %t, want %t", tc.scope, tc.exempt, got, tc.want)
		}
	}
}

func TestUnion(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	some := func() (list []netip.Prefix, has [32]bool) {
		for range random.IntN(6) {
			bits := 27 + random.IntN(6)
			x := netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(random.IntN(32))}), bits).Masked()
			list = append(list, x)
			for i := range has {
				has[i] = has[i] || x.Contains(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}))
			}
		}
		return list, has
	}
	for range 20_000 {
		a, inA := some()
		b, inB := some()
		want := true
		for i := range inA {
			want = want && (inA[i] || !inB[i])
		}
		if got := union(a).cover(b); got != want {
			t.Fatalf("%v cover %v: %t", a, b, got)
		}
	}
}
