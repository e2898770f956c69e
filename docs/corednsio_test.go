package docs

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

func section(t *testing.T, page, title string) string {
	t.Helper()
	_, rest, ok := strings.Cut(page, "\n## "+title+"\n")
	if !ok {
		t.Fatalf("there is no chapter %s", title)
	}
	text, _, _ := strings.Cut(rest, "\n## ")
	return text
}

// coredns.io.md is the entry of this plugin for the list of external plugins at coredns.io.
func TestListing(t *testing.T) {
	text, err := os.ReadFile("coredns.io.md")
	if err != nil {
		t.Fatal(err)
	}
	readmeText, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	page, readme := string(text), string(readmeText)
	head := regexp.MustCompile(`(?s)^\+\+\+\n(.*?)\n\+\+\+\n`).FindStringSubmatch(page)
	if head == nil {
		t.Fatal("the page has no front matter")
	}
	fields := map[string]string{}
	for line := range strings.Lines(head[1] + "\n") {
		key, value, ok := strings.Cut(strings.TrimSpace(line), " = ")
		if _, twice := fields[key]; !ok || twice || value == "" {
			t.Errorf("front matter: %q", line)
		}
		fields[key] = value
	}
	module, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	path := regexp.MustCompile(`(?m)^module (\S+)$`).FindStringSubmatch(string(module))[1]
	name, what, _ := strings.Cut(strings.TrimSpace(section(t, readme, "Name")), " - ")
	for key, want := range map[string]string{
		"title":       `"blocklist"`,
		"description": `"` + name + " " + what + `"`,
		"weight":      "10",
		"tags":        `["plugin", "blocklist"]`,
		"categories":  `["plugin", "external"]`,
		"repo":        `"https://` + path + `"`,
		"home":        `"https://` + path + `/blob/main/README.md"`,
	} {
		if fields[key] != want {
			t.Errorf("front matter: %s = %s, want %s", key, fields[key], want)
		}
		delete(fields, key)
	}
	if !regexp.MustCompile(`^"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00"$`).MatchString(fields["date"]) || len(fields) != 1 {
		t.Errorf("front matter: want a date, got %v", fields)
	}

	block := regexp.MustCompile(`(?s)~~~ txt\nblocklist ORDERS\.\.\. \{\n.*?\n~~~\n`)
	if got, want := block.FindString(section(t, page, "Syntax")), block.FindString(section(t, readme, "Syntax")); got != want || want == "" {
		t.Errorf("the syntax is not the syntax of the README:\n%s", got)
	}
	if !strings.Contains(section(t, page, "Compilation"), "\nblocklist:"+path+"\n") {
		t.Error("the page has no line for plugin.cfg")
	}
	metrics := regexp.MustCompile("`(coredns_blocklist_[^`]*)`").FindAllStringSubmatch(section(t, page, "Metrics"), -1)
	for _, m := range metrics {
		if !strings.Contains(section(t, readme, "Metrics"), "* `"+m[1]+"` - ") {
			t.Errorf("the README has no metric %s", m[1])
		}
	}
	for _, title := range []string{"Description", "Ready", "Examples", "Bugs"} {
		section(t, page, title)
	}
	for line := range strings.Lines(section(t, page, "Bugs")) {
		if line = strings.TrimSpace(line); line != "" && !strings.Contains(section(t, readme, "Bugs"), line) {
			t.Errorf("the README does not have the bug %q", line)
		}
	}
}
