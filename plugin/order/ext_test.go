package order

import (
	"bytes"
	"strings"
	"testing"
)

func TestEndings(t *testing.T) {
	const (
		document = `{"version": 1, "orders": [{"id": "a", "authority": {"name": "A"}, "scope": "global", "targets": ["a.example"]}]}`
		lines    = `{"version": 1, "count": 1}` + "\n" + `{"id": "a", "authority": {"name": "A"}, "scope": "global", "targets": ["a.example"]}` + "\n"
	)
	for path, text := range map[string]string{
		"a.YAML": document, "a.Yml": document, "a.JSON": document, "a.Json": document, "a.JSONL": lines, "a.JsonL": lines,
	} {
		f, problems := Parse(path, strings.NewReader(text), Options{})
		if len(problems) > 0 || len(f.Orders) != 1 || f.Orders[0].ID != "a" {
			t.Errorf("%s: %d orders, %v", path, len(f.Orders), problems)
		}
		lower := strings.ToLower(path)
		if got, want := MaxBytes(path, false), MaxBytes(lower, false); got != want {
			t.Errorf("%s: %d octets are allowed, want %d", path, got, want)
		}
		var got, want bytes.Buffer
		for p, w := range map[string]*bytes.Buffer{path: &got, lower: &want} {
			if problems, err := Format(w, p, strings.NewReader(text), Options{}); len(problems) > 0 || err != nil {
				t.Errorf("%s: Format: %v, %v", p, problems, err)
			}
		}
		if got.String() != want.String() {
			t.Errorf("%s is formatted as\n%s\nand %s as\n%s", path, &got, lower, &want)
		}
	}
}
