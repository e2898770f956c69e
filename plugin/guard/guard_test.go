package guard

import (
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/dname"
)

func mustParse(t testing.TB, file, text string) *List {
	t.Helper()
	l, problems := Parse(file, strings.NewReader(text))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return l
}

func wireOf(t testing.TB, s string) *dname.Wire {
	t.Helper()
	var w dname.Wire
	if !w.Set(s) {
		t.Fatalf("%q is not a name", s)
	}
	return &w
}

func TestName(t *testing.T) {
	first := mustParse(t, "protect.txt", "google.com\n=www.example.com\n=a.shared.example\nb.shared.example\nb.b.shared.example\n"+
		"github.io\n=co.uk\ncom.br\n=a.www.example.com\n=isp.example\ngov\n=mil\n")
	second := mustParse(t, "more.txt", "www.example.com\ngoogle.com\nisp.example\n")
	g := New(first, nil, second)
	for _, tt := range []struct{ name, want string }{
		{"example.com", "is above a protected name (more.txt:1: www.example.com)"},
		{"example.net", ""},
		{"www.example.net", ""},
		{"a.b.c.d.e.f.g.example.co.uk", ""},
		{"notgoogle.com", ""},
		{"google.com.example", ""},
		{"arpa.example", ""},
		{`google\.com`, "is a top-level domain"}, // one label, because the dot is escaped
		{`www.google\.com`, ""},

		{".", "is the root"},
		{"de", "is a top-level domain"},
		{"example", "is a top-level domain, is above a protected name (more.txt:3: isp.example)"},
		{"xn--j1amh", "is a top-level domain"},
		{"no-such-tld", "is a top-level domain"},

		{"com.ua", "is a public suffix"},
		{"blogspot.com", "is a public suffix"},
		{"workers.dev", "is a public suffix"},
		{"cloudfront.net", "is a public suffix"},
		{"netlify.app", "is a public suffix"},
		{"x.blogspot.com", ""},
		{"d111111abcdef8.cloudfront.net", ""},
		{"kobe.jp", "has public suffixes below it"},
		{"anything.kobe.jp", "is a public suffix"},
		{"a.anything.kobe.jp", ""},
		{"city.kobe.jp", ""},
		{"www.city.kobe.jp", ""},
		{"www.ck", ""},
		{"xyz.ck", "is a public suffix"},
		{"fastly.net", "has public suffixes below it"},
		{"ssl.fastly.net", "has public suffixes below it"},
		{"amazonaws.com", "has public suffixes below it"},
		{"compute.amazonaws.com", "has public suffixes below it"},
		{"eu-west-1.compute.amazonaws.com", "is a public suffix"},
		{"ec2-1.eu-west-1.compute.amazonaws.com", ""},

		{"localhost", "is a special-use name (RFC 6761: localhost)"},
		{"a.b.localhost", "is a special-use name (RFC 6761: localhost)"},
		{"printer.local", "is a special-use name (RFC 6762: local)"},
		{"2.0.192.in-addr.arpa", "is a special-use name (RFC 3172: arpa)"},
		{"in-addr.arpa", "is a special-use name (RFC 3172: arpa)"},
		{"home.arpa", "is a special-use name (RFC 3172: arpa)"},
		{"a.test", "is a special-use name (RFC 6761: test)"},
		{"a.invalid", "is a special-use name (RFC 6761: invalid)"},
		{"a.onion", "is a special-use name (RFC 7686: onion)"},
		{"a.alt", "is a special-use name (RFC 9476: alt)"},
		{"local.example", ""},

		{"google.com", "is protected (protect.txt:1: google.com)"},
		// The Italian system Piracy Shield blocked this name in October 2024.
		{"drive.usercontent.google.com", "is protected (protect.txt:1: google.com)"},
		{"com", "is a top-level domain, is above a protected name (more.txt:1: www.example.com)"},
		{"b.shared.example", "is protected (protect.txt:4: b.shared.example)"},
		{"x.b.b.shared.example", "is protected (protect.txt:4: b.shared.example)"},
		{"shared.example", "is above a protected name (protect.txt:3: =a.shared.example)"},
		{"c.shared.example", ""},
		{"a.shared.example", "is protected (protect.txt:3: =a.shared.example)"},
		{"x.a.shared.example", ""},
		{"www.example.com", "is protected (more.txt:1: www.example.com)"},
		{"a.www.example.com", "is protected (more.txt:1: www.example.com)"},
		{"sub.isp.example", "is protected (more.txt:3: isp.example)"},
		// A protect list may contain a top-level domain.
		{"gov", "is a top-level domain, is protected (protect.txt:11: gov)"},
		{"agency.gov", "is protected (protect.txt:11: gov)"},
		{"mil", "is a top-level domain, is protected (protect.txt:12: =mil)"},
		{"agency.mil", ""},
		{"github.io", "is a public suffix, is protected (protect.txt:6: github.io)"},
		{"someone.github.io", "is protected (protect.txt:6: github.io)"},
		{"co.uk", "is a public suffix, is protected (protect.txt:7: =co.uk)"},
		{"example.co.uk", ""},
		{"example.com.br", "is protected (protect.txt:8: com.br)"},
		{"br", "is a top-level domain, is above a protected name (protect.txt:8: com.br)"},
	} {
		w := wireOf(t, tt.name)
		if got := g.Name(w); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
		built := tt.want
		if i := strings.Index(built, "is protected"); i >= 0 {
			built = built[:i]
		}
		if i := strings.Index(built, "is above"); i >= 0 {
			built = built[:i]
		}
		if got := New().Name(w); got != strings.TrimSuffix(built, ", ") {
			t.Errorf("%s: built in: got %q, want %q", tt.name, got, built)
		}
		if New().Protected(w) || New(&List{}, nil).Protected(w) {
			t.Errorf("%s: is protected by no list", tt.name)
		}
		if got, want := g.Protected(w), strings.Contains(tt.want, "is protected"); got != want {
			t.Errorf("%s: Protected = %v, want %v", tt.name, got, want)
		}
	}
}

func TestDeepList(t *testing.T) {
	var text strings.Builder
	name := "example"
	for range 40 {
		name = "a." + name
		text.WriteString("=" + name + "\n")
	}
	g := New(mustParse(t, "deep.txt", text.String()))
	if got, want := g.Name(wireOf(t, name)), "is protected (deep.txt:40: ="+name+")"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := g.Name(wireOf(t, "a."+name)); got != "" {
		t.Errorf("below the deepest: %q", got)
	}
	if got, want := g.Name(wireOf(t, "a.a.example")), "is protected (deep.txt:2: =a.a.example)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNamePassesWithoutAllocation(t *testing.T) {
	g := New(mustParse(t, "protect.txt", "google.com\n=example.org\n"))
	for _, s := range []string{"www.example.com", "a.b.c.example.co.uk", "x.blogspot.com", "a.example.org", "mail.google.net"} {
		w := wireOf(t, s)
		if n := testing.AllocsPerRun(100, func() {
			if g.Name(w) != "" || g.Protected(w) {
				t.Errorf("%s is held", s)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", s, n)
		}
	}
}
