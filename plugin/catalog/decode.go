package catalog

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/dns-orders/blocklist/plugin/order"
)

// A Problem is an error in a description.
type Problem struct {
	Line int    // 0 if the problem has no line
	Key  string // the path of the key, for example guards.max_drop, or ""
	Text string
}

// Error implements error.
func (p Problem) Error() string {
	text := p.Text
	if p.Key != "" {
		text = p.Key + ": " + text
	}
	if p.Line > 0 {
		return fmt.Sprintf("line %d: %s", p.Line, text)
	}
	return text
}

// Problems is a list of errors in a description.
type Problems []Problem

// Error returns one line for each problem.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i := range p {
		lines[i] = p[i].Error()
	}
	return strings.Join(lines, "\n")
}

// A Document is a decoded description.
type Document struct {
	root     *yaml.Node
	problems Problems
}

// Decode reads a description into a struct. It refuses unknown keys, wrong values and a second
// document. The description must contain the given name.
func (c *Catalog) Decode(name string, data []byte, into any) (*Document, error) {
	d := &Document{root: &yaml.Node{}}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(into); err != nil {
		return nil, c.problems(err, reflect.TypeOf(into))
	}
	second := &yaml.Node{}
	switch err := dec.Decode(second); {
	case err == nil:
		return nil, Problems{{Line: second.Line, Text: "has a second document"}}
	case !errors.Is(err, io.EOF):
		return nil, c.problems(err, reflect.TypeOf(into))
	}
	if err := yaml.Unmarshal(data, d.root); err != nil {
		return nil, c.problems(err, reflect.TypeOf(into))
	}
	if at := nodeOf(d.root, c.Kind); at == nil || at.Value != name {
		got := ""
		if at != nil {
			got = at.Value
		}
		d.Bad(c.Kind, "must be the name of the file, %q, got %q", name, got)
	}
	return d, nil
}

// Bad adds a problem with a key. The problem has the line number of the key. If the key is missing,
// the line number is that of the nearest mapping.
func (d *Document) Bad(key, format string, args ...any) {
	for text := range strings.SplitSeq(fmt.Sprintf(format, args...), "\n") { // an error of an order has a line for each problem
		d.problems = append(d.problems, Problem{lineOf(d.root, key), key, text})
	}
}

// Err returns the problems, sorted by line, or nil.
func (d *Document) Err() error {
	if len(d.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(d.problems, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	return d.problems
}

var part = regexp.MustCompile(`[^.\[\]]+`)

func lineOf(n *yaml.Node, path string) (line int) {
	if n.Kind == yaml.DocumentNode && len(n.Content) == 1 {
		n = n.Content[0]
	}
	for _, p := range part.FindAllString(path, -1) {
		key, value := child(n, p)
		if key == nil {
			break
		}
		line, n = key.Line, value
	}
	return line
}

func nodeOf(root *yaml.Node, key string) *yaml.Node {
	if root.Kind != yaml.DocumentNode || len(root.Content) != 1 {
		return nil
	}
	_, value := child(root.Content[0], key)
	return value
}

func child(n *yaml.Node, part string) (key, value *yaml.Node) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == part {
				return n.Content[i], n.Content[i+1]
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(part); err == nil && i >= 0 && i < len(n.Content) {
			return n.Content[i], n.Content[i]
		}
	}
	return nil, nil
}

var (
	atLine     = regexp.MustCompile(`^(?:yaml: )?line (\d+): `)
	unknownKey = regexp.MustCompile(`(?s)^field (.+) not found in type (.+)$`)
	wrongForm  = regexp.MustCompile("(?s)^cannot unmarshal !!(\\w+)(?: `(.*)`)? into (.+)$")
)

func (c *Catalog) problems(err error, into reflect.Type) Problems {
	texts := []string{err.Error()}
	var bad *yaml.TypeError
	typed := errors.As(err, &bad)
	if typed {
		texts = bad.Errors
	}
	types := map[string]reflect.Type{}
	addTypes(types, into)
	var out Problems
	for _, text := range texts {
		p := Problem{}
		if m := atLine.FindStringSubmatch(text); m != nil {
			p.Line, _ = strconv.Atoi(m[1])
			text = text[len(m[0]):]
		}
		p.Text = strings.TrimPrefix(text, "yaml: ")
		if !typed {
			p.Text = fmt.Sprintf("is not a %s: %s", c.Kind, p.Text)
			if errors.Is(err, io.EOF) {
				p.Text = "is empty"
			}
		}
		if m := unknownKey.FindStringSubmatch(text); m != nil && types[m[2]] != nil {
			p.Text = fmt.Sprintf("unknown key %q%s", m[1], advice(m[1], types[m[2]]))
		} else if m := wrongForm.FindStringSubmatch(text); m != nil {
			got := map[string]string{"map": "a mapping", "seq": "a list"}[m[1]]
			if got == "" {
				got = fmt.Sprintf("%q", m[2])
			}
			p.Text = fmt.Sprintf("must be %s, got %s", formOf(types[m[3]]), got)
		}
		out = append(out, p)
	}
	return out
}

func addTypes(types map[string]reflect.Type, t reflect.Type) {
	if types[t.String()] != nil {
		return
	}
	types[t.String()] = t
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		addTypes(types, t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if f := t.Field(i); f.IsExported() {
				addTypes(types, f.Type)
			}
		}
	}
}

func advice(key string, mapping reflect.Type) string {
	keys := map[string]bool{}
	for i := range mapping.NumField() {
		if name := mapping.Field(i).Tag.Get("yaml"); name != "" {
			keys[name] = true
		}
	}
	if near := order.Nearest(key, maps.Keys(keys)); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return "; the keys are " + strings.Join(slices.Sorted(maps.Keys(keys)), ", ")
}

func formOf(t reflect.Type) string {
	if t != nil {
		switch t.Kind() {
		case reflect.Slice:
			return "a list, such as [a, b]"
		case reflect.Int:
			return "a number"
		case reflect.String:
			return "a text"
		}
	}
	return "a mapping, such as {key: value}"
}
