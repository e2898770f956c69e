package order

import (
	"bytes"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

func plainList(text []byte) bool {
	const lines = 3
	found := 0
	for line := range bytes.Lines(text) {
		s, _, _ := strings.Cut(string(line[:min(len(line), MaxLine)]), "#")
		words := strings.Fields(strings.TrimPrefix(strings.TrimSpace(s), "- "))
		switch {
		case len(words) == 0:
			continue
		case len(words) == 2 && isAddress(words[0]):
			words = words[1:]
		case len(words) > 1:
			return false
		}
		if _, _, err := ParseTarget(words[0]); err != nil || !strings.Contains(words[0], ".") {
			return false
		}
		if found++; found == lines {
			break
		}
	}
	return found > 0
}

// If an item of a list is indented too far, YAML silently joins it to the item above.
func (d *decoder) itemInside(item *yaml.Node, field string) bool {
	if d.json || item.Kind != yaml.ScalarNode || item.Style != 0 || !strings.Contains(item.Value, " - ") {
		return false
	}
	d.seek(item.Line)
	first, rest, _ := bytes.Cut(d.data[d.lineAt:], []byte("\n"))
	dash := bytes.LastIndexByte(first[:min(item.Column-1, len(first))], '-')
	if dash < 0 || strings.Trim(string(first[:dash]), " -") != "" {
		return false // the list is in brackets
	}
	for line := item.Line + 1; len(rest) > 0; line++ {
		var text []byte
		text, rest, _ = bytes.Cut(rest, []byte("\n"))
		body := bytes.TrimLeft(text, " ")
		indent := len(text) - len(body)
		switch {
		case len(body) > 0 && indent <= dash:
			return false
		case bytes.HasPrefix(body, []byte("- ")):
			d.add(Problem{Line: line, Column: indent + 1, Field: field,
				Msg: fmt.Sprintf(indentedBy, blanks(indent), dash) + "; write " + Clip(strings.TrimSpace(string(body)))})
			return true
		}
	}
	return false
}

// Lines must not decrease between calls.
func (d *decoder) seek(line int) {
	if d.lineNo == 0 || line < d.lineNo {
		d.lineNo, d.lineAt = 1, 0
	}
	for ; d.lineNo < line; d.lineNo++ {
		i := bytes.IndexByte(d.data[d.lineAt:], '\n')
		if i < 0 {
			return
		}
		d.lineAt += i + 1
	}
}
