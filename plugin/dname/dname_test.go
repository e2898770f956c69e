package dname

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func parse(t *testing.T, s string) Name {
	t.Helper()
	n, err := Parse(s)
	if err != nil {
		t.Fatalf("Parse(%q): %v", s, err)
	}
	return n
}

func twinCompare(a, b Name) int {
	x, y := twinLabels(a), twinLabels(b)
	slices.Reverse(x)
	slices.Reverse(y)
	return slices.Compare(x, y)
}

func twinLabels(n Name) []string {
	if n.Wire() == "\x00" || n.IsZero() {
		return nil
	}
	var labels []string
	for w := n.Wire(); w[0] != 0; w = w[1+w[0]:] {
		labels = append(labels, w[1:1+w[0]])
	}
	return labels
}

func sign(i int) int { return cmp.Compare(i, 0) }

func checkOrder(t *testing.T, a, b Name) {
	t.Helper()
	want := twinCompare(a, b)
	if sign(a.Compare(b)) != want || sign(b.Compare(a)) != -want {
		t.Errorf("Compare(%q, %q) = %d and %d back, want %d", a, b, a.Compare(b), b.Compare(a), want)
	}
	if a.IsZero() || b.IsZero() {
		return
	}
	if (a.Compare(b) == 0) != (a == b) {
		t.Errorf("Compare(%q, %q) = %d, but == is %v", a, b, a.Compare(b), a == b)
	}
	x, y := twinLabels(a), twinLabels(b)
	covers := len(x) <= len(y) && slices.Equal(x, y[len(y)-len(x):])
	if a.Covers(b) != covers {
		t.Errorf("%q.Covers(%q) = %v", a, b, !covers)
	}
	var v, w Wire
	v.SetName(a)
	w.SetName(b)
	if sign(v.Compare(&w)) != want || v.Covers(&w) != covers {
		t.Errorf("Wire: Compare(%q, %q) = %d, want %d; Covers = %v, want %v", a, b, v.Compare(&w), want, v.Covers(&w), covers)
	}
}

func TestCompare(t *testing.T) {
	root, zero := FromWire("\x00"), Name{}
	sorted := []Name{root}
	for _, s := range []string{
		"com", "ample.com", "example.com", "-.example.com", "a.example.com", "z.a.example.com", "aa.example.com",
		"example-a.com", "example0.com", "examplea.com", "comm", "org",
	} {
		sorted = append(sorted, parse(t, s))
	}
	for i, a := range sorted {
		for j, b := range sorted {
			if sign(a.Compare(b)) != cmp.Compare(i, j) {
				t.Errorf("Compare(%q, %q) = %d, want the sign of %d", a, b, a.Compare(b), i-j)
			}
			checkOrder(t, a, b)
		}
		checkOrder(t, a, zero)
		if zero.Covers(a) || a.Covers(zero) {
			t.Errorf("the zero Name covers %q or is covered by it", a)
		}
	}
}

func TestParent(t *testing.T) {
	n := parse(t, "a.b.example.com")
	for _, want := range []string{"b.example.com", "example.com", "com", "."} {
		if n = n.Parent(); n.String() != want {
			t.Errorf("got %q, want %q", n, want)
		}
	}
	if n = n.Parent(); !n.IsZero() || !n.Parent().IsZero() || n.String() != "" || n.FQDN() != "" || n.NumLabels() != 0 {
		t.Errorf("above the root: %q", n)
	}
}

func TestForms(t *testing.T) {
	root := FromWire("\x00")
	if root.String() != "." || root.FQDN() != "." || root.NumLabels() != 0 {
		t.Errorf("root: %q, %q", root.String(), root.FQDN())
	}
	n := parse(t, "a.example.com")
	if n.String() != "a.example.com" || n.FQDN() != "a.example.com." || n.NumLabels() != 3 {
		t.Errorf("%q, %q, %d labels", n.String(), n.FQDN(), n.NumLabels())
	}
	if FromWire(n.Wire()) != n {
		t.Error("FromWire(Wire) is another name")
	}
	if n := FromWire("\x02a.\x00"); n.String() != `a\.` {
		t.Errorf("got %q", n.String())
	}
}

func TestList(t *testing.T) {
	var none *List
	if none.Len() != 0 {
		t.Error("a nil list has names")
	}
	for range none.All() {
		t.Error("a nil list yields a name")
	}
	var l List
	var want []Name
	for _, s := range []string{"a.example", "com", strings.Repeat("a.", 120) + "example", "a.example"} {
		l.Append(parse(t, s))
		want = append(want, parse(t, s))
	}
	l.Append(FromWire("\x00"))
	want = append(want, FromWire("\x00"))
	for i := range 3000 { // 3000 names fill several chunks
		s := fmt.Sprintf("n%d.%sexample", i, strings.Repeat("a.", i%120))
		if want = append(want, parse(t, s)); i%2 == 0 {
			l.Append(want[len(want)-1])
		} else {
			var w Wire
			w.SetName(want[len(want)-1])
			l.AddWire(&w)
		}
	}
	if got := slices.Collect(l.All()); !slices.Equal(got, want) || l.Len() != len(want) {
		t.Errorf("%d names, Len %d, want %d", len(got), l.Len(), len(want))
	}
	for n := range l.All() {
		if n != want[0] {
			t.Errorf("got %q first", n)
		}
		break
	}
}
