package rig

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// Publish replaces the text between the marks <!-- name --> and <!-- /name --> of a README.
func Publish(readme, name, table string) error {
	text, err := os.ReadFile(readme)
	if err != nil {
		return err
	}
	next, ok := between(string(text), name, table)
	if !ok {
		return fmt.Errorf("%s: no <!-- %s --> and <!-- /%s -->", readme, name, name)
	}
	return os.WriteFile(readme, []byte(next), 0o644)
}

// Save writes a report to a file as JSON.
func Save(file string, report any) error {
	text, err := json.MarshalIndent(report, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}

func between(text, name, table string) (_ string, ok bool) {
	begin, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->"
	head, rest, ok1 := strings.Cut(text, begin)
	_, tail, ok2 := strings.Cut(rest, end)
	return head + begin + "\n" + strings.TrimSpace(table) + "\n\n" + end + tail, ok1 && ok2
}
