package guard

import (
	"os"
	"testing"
)

func starter(t testing.TB) *List {
	t.Helper()
	f, err := os.Open("../../docs/protect.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	l, problems := Parse("docs/protect.txt", f)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return l
}

func TestStarterList(t *testing.T) {
	l := starter(t)
	g := New(l)
	for name, held := range map[string]bool{
		"drive.usercontent.google.com": true,
		"a.root-servers.net":           true,
		"o.lencr.org":                  true,
		"2.pool.ntp.org":               true,
		"cloudflare-dns.com":           true,
		"e1234.dscb.akamaiedge.net":    true,
		"raw.githubusercontent.com":    true,
		"sharepoint.com":               true,
		"someone-my.sharepoint.com":    false,
		"someone.workers.dev":          false,
		"d1234.cloudfront.net":         false,
		"someone.github.io":            false,
		"bucket.s3.amazonaws.com":      false,
		"example.com":                  false,
	} {
		if got := g.Name(wireOf(t, name)); got != "" != held {
			t.Errorf("%s: %q, want held: %v", name, got, held)
		}
	}
	for name, p := range addresses(t, map[string]string{"root": "198.41.0.4/32", "Cloudflare": "188.114.97.0/24", "resolver": "2620:fe::fe/128"}) {
		if g.Address(p) == "" {
			t.Errorf("%s is not held", name)
		}
	}
	for _, s := range []string{"co.uk", "github.io", "pages.dev", "workers.dev", "blogspot.com", "web.app", "cloudfront.net", "s3.amazonaws.com", "azurewebsites.net", "netlify.app"} {
		if got := New().Name(wireOf(t, s)); got != "is a public suffix" {
			t.Errorf("%s: %q", s, got)
		}
	}
	for i, e := range l.entries {
		if e.exact && New().Name(wireOf(t, e.name.FQDN())) != "" {
			t.Errorf("line %d: %s is held by a built-in rule; remove the line", e.line, e)
		}
		for _, above := range l.entries[:i] {
			if !e.name.IsZero() && !above.name.IsZero() && !above.exact && above.name.Covers(e.name) || !e.exact && !e.name.IsZero() && above.exact && above.name == e.name {
				t.Errorf("line %d: %s is covered by line %d already: %s", e.line, e, above.line, above)
			}
		}
		if !e.name.IsZero() && !e.exact && New().Name(wireOf(t, e.name.FQDN())) == "is a top-level domain" {
			t.Errorf("line %d: %s would hold the orders for a whole top-level domain", e.line, e)
		}
	}
}
