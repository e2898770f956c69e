package edit

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/dns-orders/blocklist/plugin/order"
)

// json reports whether the file is JSON.
func (t *Text) json() bool { return order.Ext(t.path) == ".json" }

func zoneOf(root *yaml.Node) string {
	if n := lookup(root, "timezone"); n != nil {
		return n.Value
	}
	return ""
}

func encode(o *order.Order, zone string) (item string, node *yaml.Node, err error) {
	var b bytes.Buffer
	if err := order.Encode(&b, ".yaml", order.Header{Serial: -1, ShrinkOK: -1, Timezone: zone}, []*order.Order{o}); err != nil {
		return "", nil, err
	}
	data, err := localTimes(b.Bytes(), zone)
	if err != nil {
		return "", nil, err
	}
	root, err := parse(data)
	if err != nil {
		return "", nil, err
	}
	list := lookup(root, "orders")
	t := &Text{data: data, root: root}
	var out strings.Builder
	for line := list.Line; line < t.endLine(); line++ {
		out.WriteString(strings.TrimPrefix(t.line(line), "  ") + "\n")
	}
	return out.String(), list.Content[0], nil
}

// localTimes converts the times in data to zone.
func localTimes(data []byte, zone string) ([]byte, error) {
	loc, err := time.LoadLocation(zone)
	if err != nil || zone == "" {
		return data, err
	}
	root, err := parse(data)
	if err != nil {
		return nil, err
	}
	t := &Text{data: data, root: root}
	var out []byte
	from := 0
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		at, err := time.Parse(time.RFC3339, n.Value)
		if n.Kind == yaml.ScalarNode && n.Style == 0 && err == nil {
			start := t.offset(n)
			out = append(out, data[from:start]...)
			out = at.In(loc).AppendFormat(out, time.RFC3339)
			from = start + len(n.Value)
		}
		for _, c := range n.Content {
			walk(c)
		}
	}
	walk(root)
	return append(out, data[from:]...), nil
}

func indented(lines string, spaces int) string {
	var b strings.Builder
	for line := range strings.Lines(lines) {
		if line != "\n" {
			b.WriteString(strings.Repeat(" ", spaces))
		}
		b.WriteString(line)
	}
	return b.String()
}

// integer returns the node of a number.
func integer(n int) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.Itoa(n)}
}

func (t *Text) render(n *yaml.Node) string {
	if t.json() {
		return renderJSON(n)
	}
	if n.Kind == yaml.ScalarNode && isTime(n.Value) {
		return n.Value
	}
	// The YAML library quotes brackets and commas only inside a list. So write a list, and then
	// remove its brackets.
	flow := inFlow(n)
	text, err := yaml.Marshal(&yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Style: yaml.FlowStyle, Content: []*yaml.Node{flow}})
	out := strings.TrimSuffix(string(text), "]\n")
	if err != nil || strings.Contains(out, "\n") {
		return renderJSON(n)
	}
	return strings.TrimPrefix(out, "[")
}

func inFlow(n *yaml.Node) *yaml.Node {
	c := &yaml.Node{Kind: n.Kind, Tag: n.Tag, Value: n.Value}
	switch {
	case n.Kind != yaml.ScalarNode:
		c.Style = yaml.FlowStyle
	case isTime(n.Value):
		c.Tag = "!!timestamp" // the library would quote a date that is a string
	case n.Style == yaml.DoubleQuotedStyle || strings.Contains(n.Value, "\n"):
		c.Style = yaml.DoubleQuotedStyle
	}
	for _, x := range n.Content {
		c.Content = append(c.Content, inFlow(x))
	}
	return c
}

func isTime(s string) bool {
	_, err := order.ParseTime(s, time.UTC)
	return err == nil
}

// renderJSON returns a value as JSON.
func renderJSON(n *yaml.Node) string {
	var parts []string
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			parts = append(parts, quoted(n.Content[i].Value)+": "+renderJSON(n.Content[i+1]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case yaml.SequenceNode:
		for _, c := range n.Content {
			parts = append(parts, renderJSON(c))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	if tag(n) == "!!str" {
		return quoted(n.Value)
	}
	return n.Value
}

// quoted returns a text as a JSON string.
func quoted(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return strconv.Quote(s) // does not happen: a string has a JSON form
	}
	return strings.TrimSuffix(b.String(), "\n")
}
