package register

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/order"
)

func TestDocs(t *testing.T) {
	page, err := os.ReadFile("../../docs/blocklistctl-registers.md")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("(?s)~~~ yaml\n(preset: my-register\n.*?)~~~").FindSubmatch(page)
	if m == nil {
		t.Fatal("the page has no preset")
	}
	var list []string
	for line := range strings.Lines(string(m[1])) {
		switch key, _, _ := strings.Cut(line, ":"); key {
		case "format":
			line = "format: lines\n"
		case "id":
			line = "id: example\n"
		case "dates", "layouts", "group", "  - columns":
			continue
		}
		list = append(list, line)
	}
	for _, tc := range []struct{ preset, file, want string }{
		{string(m[1]), "Domain,Decided\na.example.com,30.04.2026\n", "example/2026-04-30 a.example.com"},
		{strings.Join(list, ""), "a.example.com\n", "example a.example.com"},
	} {
		p, err := Parse("my-register", []byte(tc.preset))
		if err != nil {
			t.Fatal(err)
		}
		_, out := imported(t, p, []byte(tc.file), options(nil, order.NoTime))
		compare(t, "the page", contents(t, out), map[string]string{tc.want: ""})
	}
}
