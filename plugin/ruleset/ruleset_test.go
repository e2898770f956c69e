package ruleset

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

func compile(t testing.TB, path string, opt Options, orders string) *Part {
	t.Helper()
	b := NewBuilder(path, opt)
	text := "version: 1\ndefaults: {scope: global, authority: {name: A}}\norders:\n" + orders
	if _, ps := order.Parse(path, strings.NewReader(text), order.Options{Emit: b.Add}); len(ps.Errors()) > 0 {
		t.Fatal(ps)
	}
	p, _ := b.Freeze()
	return p
}

func part(t testing.TB, path, orders string) *Part {
	t.Helper()
	return compile(t, path, Options{}, orders)
}

func with(t testing.TB, opt Options, orders string) *Set {
	t.Helper()
	return Merge([]*Part{compile(t, "a.yaml", opt, orders)}, opt)
}

func set(t testing.TB, orders string) *Set {
	t.Helper()
	return with(t, Options{}, orders)
}

func asked(t testing.TB, name string) *QName {
	t.Helper()
	q := &QName{}
	if !q.Set(name) {
		t.Fatalf("%q is not a name", name)
	}
	return q
}

// at returns the first second of a date.
func at(t testing.TB, s string) order.Time {
	t.Helper()
	d := set(t, "- {id: x, issued: "+s+", targets: [a.example]}")
	return d.parts[0].entries.at(0).issued()
}

func TestManyBelow(t *testing.T) {
	for _, tc := range []struct {
		exceptions int
		want       SubtreeOutcome
	}{{0, SubtreeNXDOMAIN}, {1, SubtreePasses}, {maxBelow + 10, SubtreePasses}} {
		var b strings.Builder
		b.WriteString("- {id: a, targets: [example]}\n- {id: b, targets: [x.example], scope: {countries: [IT]}, except: [z.x.example")
		for i := range tc.exceptions {
			fmt.Fprintf(&b, ", e%d.example", i)
		}
		b.WriteString("]}\n")
		s := set(t, b.String())
		want := tc.want
		if tc.exceptions <= maxBelow {
			want = SubtreeNXDOMAIN
		}
		if v := s.Decide(asked(t, "example."), Query{}); v.Subtree != want {
			t.Errorf("%d exceptions: below %v, want %v", tc.exceptions, v.Subtree, want)
		}
	}
}

func TestLongListException(t *testing.T) {
	var b strings.Builder
	for i := range longListFrom {
		fmt.Fprintf(&b, "- {id: o%d, issued: 2025-01-01, targets: [a.example]}\n", i)
		fmt.Fprintf(&b, "- {id: l%d, action: lift, lifts: [o%[1]d], issued: 2025-02-01, targets: [{name: a.example, except: [x.a.example]}]}\n", i)
	}
	s := set(t, b.String())
	for name, blocked := range map[string]bool{"a.example.": false, "b.a.example.": false, "x.a.example.": true} {
		if v := s.Decide(asked(t, name), Query{Now: at(t, "2026-01-01")}); v.Blocked() != blocked {
			t.Errorf("%s: blocked is %t", name, v.Blocked())
		}
	}
}

func TestDuplicates(t *testing.T) {
	a := part(t, "a.yaml", "- {id: x, targets: [a.example]}\n- {id: y, targets: [a.example]}\n")
	b := part(t, "b.yaml", "- {id: z, targets: [a.example]}\n- {id: y, disclosure: none, targets: [a.example]}\n")
	ps := Duplicates(b, []*Part{a})
	if len(ps) != 1 || ps[0].Line != 5 || !strings.Contains(ps[0].Error(), `order "y": id: is used by an order of another file, a.yaml`) || !ps[0].Sealed {
		t.Errorf("got %v", ps)
	}
	if ps := Duplicates(a, []*Part{part(t, "c.yaml", "- {id: q, targets: [a.example]}\n")}); len(ps) != 0 {
		t.Errorf("got %v", ps)
	}
}

func TestCompareAndLost(t *testing.T) {
	before := part(t, "a.yaml", "- {id: a, targets: [a.example, b.example]}\n- {id: b, targets: [c.example]}\n- {id: c, until: 2020-01-01, targets: [d.example]}\n")
	after := part(t, "a.yaml", "- {id: a, targets: [a.example, e.example, f.example]}\n- {id: n, status: draft, targets: [c.example]}\n")
	if d := Compare(before, after, 20); d.Added != 1 || d.Removed != 2 || d.Changed != 1 || len(d.orders) != 4 {
		t.Errorf("got %+v", d)
	}
	if d := Compare(nil, before, 2); d.Added != 3 || d.Removed+d.Changed != 0 || len(d.orders) != 2 {
		t.Errorf("new: got %+v", d)
	}
	now := at(t, "2026-01-01")
	if before.BlockedAt(now) != 3 || before.TargetsLost(after, now) != 1 {
		t.Errorf("in force %d, lost %d", before.BlockedAt(now), before.TargetsLost(after, now))
	}
}

func TestSegments(t *testing.T) {
	big := func(path string) *Part {
		b := NewBuilder(path, Options{})
		o := &order.Order{ID: path, Terms: &order.Terms{TTL: -1, Scope: &order.Scope{Global: true}}, Issued: order.NoTime, From: order.NoTime, Until: order.NoTime, Served: order.NoTime}
		o.Side = &order.SideList{}
		for i := range ownSegment {
			n, err := dname.Parse(fmt.Sprintf("n%d.%s.example", i, path))
			if err != nil {
				t.Fatal(err)
			}
			o.Side.Names.Append(n)
		}
		b.Add(o)
		p, _ := b.Freeze()
		return p
	}
	parts := []*Part{part(t, "s1.yaml", "- {id: s1, targets: [a.example]}"), big("b1"), part(t, "s2.yaml", "- {id: s2, targets: [b.example]}"), big("b2"), big("b3")}
	s := Merge(parts, Options{})
	if len(s.segments) != maxOwn+1 {
		t.Errorf("%d segments", len(s.segments))
	}
	for _, n := range []string{"a.example.", "b.example.", "n1.b1.example.", "x.n2.b2.example.", "n19999.b3.example."} {
		if !s.Decide(asked(t, n), Query{}).Blocked() {
			t.Errorf("%s passes", n)
		}
	}
	if s.Decide(asked(t, "b1.example."), Query{}).Blocked() || len(s.Parts()) != 5 || s.Bytes() == 0 {
		t.Error("the set differs from its parts")
	}
}

func TestWarningsKeepSealedIds(t *testing.T) {
	s := set(t, "- {id: l, action: lift, issued: 2024-01-02, lifts: [secret-id]}\n")
	warnings, _ := s.Warnings()
	if len(warnings) != 1 || strings.Contains(warnings[0].Redacted(), "secret-id") || !strings.Contains(warnings[0].Error(), "secret-id") {
		t.Errorf("got %v", warnings)
	}
}

func TestSetBelow(t *testing.T) {
	var q QName
	n, _ := dname.Parse("a.example")
	if !q.SetBelow(n) || q.NumLabels() != 3 || q.Ancestor(2) != n {
		t.Errorf("below %s: %s", n, q.Name())
	}
	long, err := dname.Parse(strings.Repeat(strings.Repeat("x", 49)+".", 5))
	if err != nil {
		t.Fatal(err)
	}
	if q.SetBelow(long) || q.Name() != long {
		t.Errorf("nothing fits below %s, got %s", long, q.Name())
	}
}

func TestWarningOfExempt(t *testing.T) {
	for exempt, want := range map[string]int{`["0.0.0.0/0", "::/0"]`: 1, `["0.0.0.0/0"]`: 0} {
		warnings, _ := set(t, "- {id: a, exempt: "+exempt+", targets: [a.example]}\n").Warnings()
		if len(warnings) != want || want == 1 && (warnings[0].Field != "exempt" || warnings[0].Line != 4) {
			t.Errorf("%s: %v", exempt, warnings)
		}
	}
}

func TestExcerpts(t *testing.T) {
	unknown := with(t, Options{NoCountry: true}, "- {id: a, scope: {countries: [IT]}, targets: [a.example]}\n- {id: b, disclosure: none, targets: [b.example]}\n")
	q := Query{Client: Client{Country: "IT"}}
	for _, drop := range []func(*Order) bool{nil, func(o *Order) bool { return o.Terms.Disclosure.Sealed() }} {
		x := &Excerpts{Drop: drop}
		s := x.Of(unknown)
		if !s.Decide(asked(t, "a.example"), q).Blocked() || s.Decide(asked(t, "b.example"), q).Blocked() != (drop == nil) {
			t.Error("the excerpt has other orders")
		}
		if again := x.Of(unknown); again.parts[0] != s.parts[0] {
			t.Error("the part was compiled again")
		}
		if x.Of(s) != s {
			t.Error("a set from which nothing is dropped is not itself")
		}
	}
}
