package main

import (
	"os"
	"strings"
	"testing"
)

// A truncated YAML file may still be valid, so the command check warns about a missing final line
// end.
func TestLastLine(t *testing.T) {
	t.Chdir(t.TempDir())
	const warning = "the last line has no end"
	json := `{"version": 1, "orders": []}`
	for name, tc := range map[string]struct {
		text string
		warn bool
	}{
		"whole.yaml": {smallOrders, false},
		"cut.yaml":   {strings.TrimSuffix(smallOrders, "\n"), true},
		"cut.YML":    {strings.ReplaceAll(strings.TrimSuffix(smallOrders, "\n"), "id: a", "id: b"), true},
		"cut.json":   {json, false},
		"cut.jsonl":  {`{"version": 1, "count": 0}`, false},
	} {
		if err := os.WriteFile(name, []byte(tc.text), 0o600); err != nil {
			t.Fatal(err)
		}
		code, out, _ := ctl("check", name)
		if got := strings.Contains(out, name+": warning: "+warning); got != tc.warn || code != 0 {
			t.Errorf("%s: exit %d, warned %t, want %t:\n%s", name, code, got, tc.warn, out)
		}
	}
}
