package guard

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/dns-orders/blocklist/plugin/dname"
	"golang.org/x/net/publicsuffix"
)

type twin struct {
	suffixes truth
	lists    []*List
}

func (tw *twin) name(n dname.Name) string {
	labels := labelsOf(n)
	var why []string
	switch {
	case len(labels) == 0:
		return "is the root"
	case rfcOf(labels[0]) != "":
		why = append(why, "is a special-use name ("+rfcOf(labels[0])+": "+labels[0]+")")
	case len(labels) == 1:
		why = append(why, "is a top-level domain")
	case tw.suffixes.isSuffix(labels):
		why = append(why, "is a public suffix")
	case tw.suffixes.hasBelow(labels):
		why = append(why, "has public suffixes below it")
	}
	var over, at, under []entry
	for _, l := range tw.lists {
		for _, p := range l.entries {
			switch {
			case p.name.IsZero():
			case !p.exact && p.name.Covers(n):
				over = append(over, entry{p, l.file})
			case p.name == n:
				at = append(at, entry{p, l.file})
			case n.Covers(p.name):
				under = append(under, entry{p, l.file})
			}
		}
	}
	sort := func(e []entry) {
		slices.SortStableFunc(e, func(a, b entry) int {
			if c := a.name.Compare(b.name); c != 0 {
				return c
			}
			return cmp.Compare(b2i(a.exact), b2i(b.exact))
		})
	}
	sort(over)
	sort(under)
	switch {
	case len(over) > 0:
		why = append(why, "is protected "+over[0].String())
	case len(at) > 0:
		why = append(why, "is protected "+at[0].String())
	case len(under) > 0:
		why = append(why, "is above a protected name "+under[0].String())
	}
	return strings.Join(why, ", ")
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func rfcOf(label string) string {
	switch label {
	case "localhost", "invalid", "test":
		return "RFC 6761"
	case "local":
		return "RFC 6762"
	case "onion":
		return "RFC 7686"
	case "alt":
		return "RFC 9476"
	case "arpa":
		return "RFC 3172"
	}
	return ""
}

func labelsOf(n dname.Name) (labels []string) {
	for w := n.Wire(); w[0] != 0; w = w[1+w[0]:] {
		labels = append(labels, w[1:1+w[0]])
	}
	slices.Reverse(labels)
	return labels
}

var subjects = sync.OnceValue(func() (all []subject) {
	const nested = "google.com\n=mail.google.com\n=a.google.com\n=example.org\n=a.a.example.org\na.a.a.example.org\n" +
		"=kobe.jp\n=x.kobe.jp\ncity.kobe.jp\n=com\nblogspot.com\n=b.example\na.b.example\n192.0.2.0/24\n"
	var lists []*List
	for _, text := range []string{nested, "=a.b.example\nb.example\n=example.org\nexample.org\n=google.com\nlocalhost\n"} {
		l, problems := Parse("list"+text[:1], strings.NewReader(text))
		if len(problems) > 0 {
			panic(problems)
		}
		lists = append(lists, l)
	}
	rules := newTruth()
	return []subject{{New(), &twin{rules, nil}}, {New(lists...), &twin{rules, lists}}}
})

type subject struct {
	*Guard
	twin *twin
}

func compare(t testing.TB, w *dname.Wire) {
	n := w.Name()
	for _, s := range subjects() {
		want := s.twin.name(n)
		if got := s.Name(w); got != want {
			t.Errorf("%s: got %q, want %q", n, got, want)
		}
		if got := s.Protected(w); got != strings.Contains(want, "is protected") {
			t.Errorf("%s: Protected = %v, but it %s", n, got, want)
		}
	}
	// x/net gives other results for names that look like addresses.
	if name := n.String(); w.NumLabels() > 1 && !strings.ContainsAny(name, `\:`) && !isDigits(w.Label(1)) {
		want, _ := publicsuffix.PublicSuffix(name)
		if got := New().isSuffix(w); got != (want == name) {
			t.Errorf("%s: is a public suffix: %v, but x/net says %s", n, got, want)
		}
	}
}

func (g *Guard) isSuffix(w *dname.Wire) bool {
	var r hitBuffer
	hits, _ := g.table().Walk(w, r[:0])
	f := found(hits, w.NumLabels())
	return f.isUnder || f.own&suffix != 0
}

func isDigits(b []byte) bool { return len(strings.Trim(string(b), "0123456789")) == 0 }

func TestEveryRule(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	tried, held := 0, 0
	for line := range strings.Lines(suffixList) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") {
			continue
		}
		n := parsed(strings.NewReplacer("*.", "", "!", "").Replace(line))
		parent := strings.TrimPrefix(n.Parent().FQDN(), ".")
		for _, s := range []string{n.FQDN(), n.Parent().FQDN(), "a." + n.FQDN(), "b.a." + n.FQDN(), "x" + n.FQDN(), string(rune('a'+r.IntN(26))) + "." + parent} {
			w := wireOf(t, s)
			compare(t, w)
			tried++
			if New().Name(w) != "" {
				held++
			}
		}
	}
	if tried < 50000 || held < 10000 {
		t.Errorf("%d names tried, %d of them held", tried, held)
	}
}

func FuzzName(f *testing.F) {
	for _, s := range []string{".", "com", "www.ck", "a.b.ck", "ck", "city.kobe.jp", "x.kobe.jp", "a.x.kobe.jp", "drive.usercontent.google.com",
		"mail.google.com", "a.a.a.example.org", "a.a.example.org", "a.b.example", "c.a.b.example", "a.localhost", "fastly.net", `a\.b.com`,
		"EU-west-1.compute.AMAZONAWS.com.", "1.2.3.4", "a.192.0.2.0", strings.Repeat("a.", 126) + "b", `\000.uk`, "sch.uk", "city.sch.uk"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var w dname.Wire
		if w.Set(s) {
			compare(t, &w)
		}
	})
}
