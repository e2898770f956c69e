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

// A builder receives the tree of a document, from top to bottom. In a list, all keys are empty.
type builder interface {
	// open begins a mapping or a list.
	open(key string, kind yaml.Kind)
	close()
	text(key, s string)
	// value adds a scalar that never needs quotes in YAML.
	value(key, tag, s string)
}

// A nodeBuilder builds the nodes of a document.
type nodeBuilder struct {
	root *yaml.Node
	path []*yaml.Node // the open mappings and lists
}

func newNodeBuilder() *nodeBuilder {
	root := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	return &nodeBuilder{root, []*yaml.Node{root}}
}

func (b *nodeBuilder) add(key string, n *yaml.Node) {
	in := b.path[len(b.path)-1]
	if in.Kind == yaml.MappingNode {
		in.Content = append(in.Content, text(key))
	}
	in.Content = append(in.Content, n)
}

func (b *nodeBuilder) open(key string, kind yaml.Kind) {
	n := &yaml.Node{Kind: kind, Tag: "!!map"}
	if kind == yaml.SequenceNode {
		n.Tag = "!!seq"
	}
	b.add(key, n)
	b.path = append(b.path, n)
}

func (b *nodeBuilder) close() { b.path = b.path[:len(b.path)-1] }

func (b *nodeBuilder) text(key, s string) { b.add(key, text(s)) }

func (b *nodeBuilder) value(key, tag, s string) {
	b.add(key, &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: s})
}

// A lineBuilder appends a document as JSON on a single line.
type lineBuilder struct {
	out   []byte
	ends  []byte // the end marks of the open mappings and lists
	later bool   // the open mapping or list already has a value
}

// appendTree appends a mapping as JSON on a single line. The function "fill" adds the keys and the
// values.
func appendTree(dst []byte, fill func(builder)) []byte {
	var ends [8]byte
	b := lineBuilder{out: append(dst, '{'), ends: append(ends[:0], '}')}
	fill(&b)
	return append(b.out, '}')
}

func (b *lineBuilder) add(key string) {
	if b.later {
		b.out = append(b.out, ',')
	}
	b.later = true
	if b.ends[len(b.ends)-1] == '}' {
		b.out = append(appendJSONString(b.out, key), ':')
	}
}

func (b *lineBuilder) open(key string, kind yaml.Kind) {
	b.add(key)
	begin, end := byte('{'), byte('}')
	if kind == yaml.SequenceNode {
		begin, end = '[', ']'
	}
	b.out, b.ends, b.later = append(b.out, begin), append(b.ends, end), false
}

func (b *lineBuilder) close() {
	last := len(b.ends) - 1
	b.out, b.ends, b.later = append(b.out, b.ends[last]), b.ends[:last], true
}

func (b *lineBuilder) text(key, s string) {
	b.add(key)
	b.out = appendJSONString(b.out, s)
}

func (b *lineBuilder) value(key, tag, s string) {
	b.add(key)
	b.out = appendScalar(b.out, tag, s)
}

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

func putNumber(to builder, key string, v int64) {
	to.value(key, "!!int", strconv.FormatInt(v, 10))
}

func putText(to builder, key, s string) {
	if s != "" {
		to.text(key, s)
	}
}

func putTime(to builder, key, s string) {
	if s != "" {
		to.value(key, "!!timestamp", s)
	}
}

func putTexts(to builder, key string, list []string) {
	if len(list) == 0 {
		return
	}
	to.open(key, yaml.SequenceNode)
	for _, s := range list {
		to.text("", s)
	}
	to.close()
}

func putStatus(to builder, s Status) {
	if s != Active {
		putText(to, "status", s.String())
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
		return appendScalar(dst, n.Tag, n.Value)
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

func appendScalar(dst []byte, tag, s string) []byte {
	switch tag {
	case "!!int", "!!float", "!!bool", "!!null":
		return append(dst, s...)
	}
	return appendJSONString(dst, s)
}

func newline(dst []byte, indent int) []byte {
	if indent < 0 {
		return dst
	}
	return append(append(dst, '\n'), bytes.Repeat([]byte(" "), indent)...)
}

func appendJSONString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	from := 0 // the bytes before the offset "from" are in dst
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[from:i]...)
		switch from = i + 1; c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, `\n`...)
		case '\t':
			dst = append(dst, `\t`...)
		default:
			dst = fmt.Appendf(dst, `\u%04x`, c)
		}
	}
	return append(append(dst, s[from:]...), '"')
}
