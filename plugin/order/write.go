package order

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/dns-orders/blocklist/plugin/dname"
	"go.yaml.in/yaml/v3"
)

func prefixTexts(list []netip.Prefix) (out []string) {
	for _, x := range list {
		out = append(out, writtenPrefix(x))
	}
	return out
}

func nameTexts(list []dname.Name) (out []string) {
	for _, n := range list {
		out = append(out, n.String())
	}
	return out
}

func mapping() *yaml.Node { return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"} }

// Use this function only for a text that never needs quotes.
func word(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s} }

// Quote each string that a person or a parser could misread, for example "<<".
func text(s string) *yaml.Node {
	n := word(s)
	lines := strings.Split(s, "\n")
	odd := func(line string) bool { return line != strings.TrimSpace(line) }
	switch {
	case slices.ContainsFunc(lines, odd) || lines[0] == "" || lines[len(lines)-1] == "" || oldBool[strings.ToLower(s)] != "" || s == "<<":
		n.Style = yaml.DoubleQuotedStyle
	case len(lines) > 1:
		n.Style = yaml.LiteralStyle
	}
	return n
}

// YAML 1.1 reads these words as true or false, for example "no", the code of Norway.
var oldBool = map[string]string{"y": "true", "n": "false", "yes": "true", "no": "false", "on": "true", "off": "false"}

func number(v int64) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.FormatInt(v, 10)}
}

func put(n *yaml.Node, key string, v *yaml.Node) { n.Content = append(n.Content, text(key), v) }

func putText(n *yaml.Node, key, s string) {
	if s != "" {
		put(n, key, text(s))
	}
}

func putTime(n *yaml.Node, key, s string) {
	if s != "" {
		put(n, key, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!timestamp", Value: s})
	}
}

func putTexts(n *yaml.Node, key string, list []string) {
	var items []*yaml.Node
	for _, s := range list {
		items = append(items, text(s))
	}
	putList(n, key, items)
}

func putList(n *yaml.Node, key string, items []*yaml.Node) {
	if len(items) > 0 {
		put(n, key, &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: items})
	}
}

func putStatus(n *yaml.Node, s Status) {
	if s != Active {
		putText(n, "status", s.String())
	}
}

const compact = -1

func appendJSON(dst []byte, n *yaml.Node, indent int) []byte {
	open, end, step := byte('['), byte(']'), 1
	switch n.Kind {
	case yaml.MappingNode:
		open, end, step = '{', '}', 2
	case yaml.SequenceNode:
	default:
		switch n.Tag {
		case "!!int", "!!float", "!!bool", "!!null":
			return append(dst, n.Value...)
		}
		return appendJSONString(dst, n.Value)
	}
	dst = append(dst, open)
	inner := indent
	if indent >= 0 {
		inner += 2
	}
	for i := 0; i < len(n.Content); i += step {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = newline(dst, inner)
		if step == 2 {
			dst = append(appendJSONString(dst, n.Content[i].Value), ':')
			if indent >= 0 {
				dst = append(dst, ' ')
			}
		}
		dst = appendJSON(dst, n.Content[i+step-1], inner)
	}
	if len(n.Content) > 0 {
		dst = newline(dst, indent)
	}
	return append(dst, end)
}

func newline(dst []byte, indent int) []byte {
	if indent < 0 {
		return dst
	}
	return append(append(dst, '\n'), bytes.Repeat([]byte(" "), indent)...)
}

func appendJSONString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, `\n`...)
		case c == '\t':
			dst = append(dst, `\t`...)
		case c < ' ':
			dst = fmt.Appendf(dst, `\u%04x`, c)
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
