package lint

import (
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/dname"
)

// TestName checks the warnings about single names.
func TestName(t *testing.T) {
	for name, want := range map[string]string{
		"example.com":           "",
		"shop.example":          "",
		"a-b.example.com":       "",
		"serie-tv.co-":          `has the label "co-", which begins or ends with a hyphen`,
		"guarda-film-.com":      `has the label "guarda-film-"`,
		"-film.example.com":     `has the label "-film"`,
		"xn--lfedon-pvf.com.ua": `mixes Latin with other letters in "lіfedon"`,
		"xn--80aaeypxx.com":     "",
		"annex.pdf":             `ends in "pdf", which is an extension of file names`,
		"order.zip":             "which is a top-level domain and an extension of file names",
		"example.cmo":           `ends in "cmo", which is not a known top-level domain`,
		"xn--om-nmc":            "mixes Latin",
	} {
		n, err := dname.Parse(name)
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(Name(n), "\n")
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// TestCheckNames checks the warnings about orders with unusual names.
func TestCheckNames(t *testing.T) {
	for name, tc := range map[string]struct{ orders, want string }{
		"hyphen": {"- {id: a, targets: [serie-tv.co-.example.com]}", `a targets[0]: serie-tv.co-.example.com has the label "co-"`},
		"file":   {"- {id: a, targets: [annex.pdf]}", "a targets[0]: annex.pdf ends in \"pdf\""},
		"script": {"- {id: a, targets: [lіfedon.example]}", "a targets[0]: xn--lfedon-pvf.example mixes Latin"},
		"lift":   {"- {id: a, action: lift, issued: 2026-01-01, lifts: [b], targets: [\"*.annex.pdf\"]}", "a targets[0]: *.annex.pdf ends in \"pdf\""},
	} {
		if got := warnings(t, tc.orders, nil); !strings.HasPrefix(got, tc.want) {
			t.Errorf("%s: got\n%s\nwant %s", name, got, tc.want)
		}
	}
	many := "a.pdf\nb.pdf\nc.pdf\nd.pdf\ne.pdf\nf.pdf\ng.pdf\nh.pdf\ni.pdf\nj.pdf\nk.pdf\nl.pdf\n"
	got := warnings(t, "- {id: a, targets_from: {file: l}}", map[string]string{"l": many})
	if strings.Count(got, "targets_from:") != maxEach || !strings.Contains(got, "a targets: 2 more warnings about odd names") {
		t.Errorf("side list: got\n%s", got)
	}
}
