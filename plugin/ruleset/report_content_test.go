package ruleset

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/dns-orders/blocklist/plugin/order"
)

const testKey = 7

func contentsOf(p *Part) map[string]string {
	s := Merge([]*Part{p}, Options{})
	of, out := s.Contents(nil, testKey), map[string]string{}
	for o := range s.OrderStates(0) {
		out[o.Order.ID] = of(o)
	}
	return out
}

func compiled(orders []*order.Order) *Part {
	b := NewBuilder("a.yaml", Options{Addresses: true})
	for _, o := range orders {
		b.Add(o)
	}
	p, _ := b.Freeze()
	return p
}

func TestContents(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	different := 0
	for range 800 {
		fresh := func(i int) *order.Order {
			return (&choices{b: randomBytes(random, 60)}).order(fmt.Sprint("o", i), i)
		}
		old := []*order.Order{fresh(0), fresh(1), fresh(2)}
		next := slices.Clone(old)
		next[random.IntN(3)] = fresh(0)
		for i, o := range next { // one order is another order with an old id
			if o != old[i] {
				o.ID, o.Index = fmt.Sprint("o", i), i
			}
		}
		if random.IntN(2) == 0 { // a small change
			i := random.IntN(3)
			own := *old[i]
			if own.Targets = slices.Clone(own.Targets); len(own.Targets) > 0 {
				own.Targets[0].Match = (own.Targets[0].Match + 1) % 3
			}
			next = slices.Clone(old)
			next[i] = &own
		}
		p, q := compiled(old), compiled(next)
		changed := map[string]bool{}
		for _, x := range Compare(p, q, 100).orders {
			changed[x.entry().ID] = x.what == Changed
		}
		was, is := contentsOf(p), contentsOf(q)
		for i, id := range []string{"o0", "o1", "o2"} {
			if next[i] == old[i] && changed[id] {
				t.Fatalf("order %s: Compare reports a change of the same order\n%s", id, show(old, id))
			}
			if (was[id] != is[id]) != changed[id] {
				t.Fatalf("order %s: the digests are %s and %s, and Compare says changed %t\n%s\n%s", id, was[id], is[id], changed[id], show(old, id), show(next, id))
			}
			if changed[id] {
				different++
			}
		}
		slices.Reverse(next)
		for id, sum := range contentsOf(compiled(next)) {
			if sum != is[id] {
				t.Fatalf("order %s: the digest depends on the sequence", id)
			}
		}
		for id, sum := range contentsOf(reread(q, Options{Addresses: true})) {
			if sum != is[id] {
				t.Fatalf("order %s: the digest changes with a snapshot", id)
			}
		}
	}
	if different < 200 {
		t.Errorf("only %d orders differed", different)
	}
}

func TestCompareRepeated(t *testing.T) {
	text := func(until, first, second, third string) string {
		target := func(from string) string { return "{name: a.example, from: " + from + "}" }
		return `- {id: other, authority: {name: Desk, kind: operator}, scope: global, targets: [{name: a.example, until: ` + until + `}]}
- {id: x, authority: {name: Desk, kind: operator}, scope: global, targets: [` + target(first) + "," + target(second) + "," + target(third) + "]}\n"
	}
	old := part(t, "a.yaml", text("2030-01-01", "2026-01-01", "2027-01-01", "2026-01-01"))
	for _, tc := range []struct {
		next    *Part
		changed []string
	}{
		{part(t, "a.yaml", text("2031-01-01", "2026-01-01", "2027-01-01", "2026-01-01")), []string{"other"}},
		{part(t, "a.yaml", text("2031-01-01", "2026-01-01", "2027-01-01", "2028-01-01")), []string{"other", "x"}},
		{part(t, "a.yaml", text("2030-01-01", "2027-01-01", "2026-01-01", "2027-01-01")), []string{"x"}},
	} {
		var changed []string
		for _, x := range Compare(old, tc.next, 100).orders {
			changed = append(changed, x.entry().ID)
		}
		if !slices.Equal(changed, tc.changed) {
			t.Errorf("changed: %q, want %q", changed, tc.changed)
		}
	}
}

// Journals on disk contain this digest. New versions of the program must compute the same digest.
func TestContentIsStable(t *testing.T) {
	p := part(t, "a.yaml", `- id: x
  authority: {name: Court, country: IT, kind: court}
  scope: {countries: [IT], clients: [192.0.2.0/24]}
  exempt: [{clients: [192.0.2.7], until: 2030-01-01, reference: E}]
  references: [R1]
  issued: 2026-01-02
  from: 2026-01-03
  until: 2027-01-01
  response: {redirect: [192.0.2.1]}
  targets: [a.example, "*.b.example", {name: c.example, match: exact, except: [d.c.example]}, {address: 198.51.100.0/24}]
  except: [e.a.example]
`)
	const want = "02486bc3ba9d606c831adcb7aff0e4b0"
	if got := contentsOf(p)["x"]; got != want {
		t.Errorf("digest %s, want %s", got, want)
	}
}

func show(orders []*order.Order, id string) string {
	for _, o := range orders {
		if o.ID == id {
			return fmt.Sprintf("%+v %+v %+v", *o, *o.Terms, o.Targets)
		}
	}
	return ""
}
