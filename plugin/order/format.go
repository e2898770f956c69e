package order

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Format writes an order file in canonical form. It keeps all values and YAML comments. It adds the
// number of orders. It ends a YAML file with "...".
//
// Format reads the input twice. It writes nothing if the file has errors. It also writes nothing if
// a comment would be lost. After any other error, the output is incomplete.
func Format(w io.Writer, path string, r io.ReadSeeker, opt Options) (Problems, error) {
	var counts []int // the target_count to write for each order; 0 for none
	opt.Emit = func(o *Order) { counts = append(counts, o.WrittenTargetCount()) }
	_, problems := Parse(path, r, opt)
	if len(problems.Errors()) > 0 {
		return problems, nil
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return problems, err
	}
	if Ext(path) == ".jsonl" {
		return problems, formatLines(w, r, counts)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return problems, err
	}
	data = bytes.TrimPrefix(data, bom)
	if Ext(path) == ".json" {
		root, err := parseJSON(data, 1)
		if err != nil {
			return problems, err // the file has changed since Parse
		}
		canonical(root, fileShape)
		setCounts(root, counts)
		_, err = w.Write(append(appendJSON(nil, root, 0), '\n'))
		return problems, err
	}
	out, err := formatYAML(data, counts)
	if err != nil {
		return append(problems, Problem{File: path, Msg: err.Error()}), nil
	}
	_, err = w.Write(out)
	return problems, err
}

func formatLines(w io.Writer, r io.Reader, counts []int) error {
	br, bw := bufio.NewReaderSize(r, chunk), bufio.NewWriter(w)
	s, orders := fileShape, 0
	var buf []byte
	var lines lineReader
	for line := 1; ; line++ {
		t, _, err := lines.next(br, line)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if len(bytes.TrimSpace(t.text)) > 0 {
			n, err := lines.json.read(t.text, line)
			if err != nil {
				return err
			}
			canonical(n, s)
			if s == orderShape && orders < len(counts) {
				setTargetCount(n, counts[orders])
				orders++
			}
			buf = append(appendJSON(buf[:0], n, compact), '\n')
			if _, err := bw.Write(buf); err != nil {
				return err
			}
			s = orderShape
		}
		if err != nil {
			return bw.Flush()
		}
	}
}

func canonical(n *yaml.Node, s *shape) {
	if s == nil {
		return
	}
	if n.Kind == yaml.SequenceNode {
		for _, item := range n.Content {
			canonical(item, s)
		}
	}
	if n.Kind != yaml.MappingNode {
		return
	}
	type keyValue struct{ key, value *yaml.Node }
	pairs := make([]keyValue, 0, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		pairs = append(pairs, keyValue{k, v})
		if s.each != nil {
			canonical(v, s.each)
		} else {
			canonical(v, s.sub[k.Value])
		}
	}
	if len(s.keys) == 0 { // the author may choose these keys
		return
	}
	slices.SortStableFunc(pairs, func(a, b keyValue) int {
		return slices.Index(s.keys, a.key.Value) - slices.Index(s.keys, b.key.Value)
	})
	for i, kv := range pairs {
		n.Content[2*i], n.Content[2*i+1] = kv.key, kv.value
	}
}

func setCounts(root *yaml.Node, counts []int) {
	setNumber(root, "count", len(counts), fileShape)
	if orders := lookup(root, "orders"); orders != nil {
		for i, n := range orders.Content {
			if i < len(counts) {
				setTargetCount(n, counts[i])
			}
		}
	}
}

func setTargetCount(order *yaml.Node, count int) {
	if count > 0 {
		setNumber(order, "target_count", count, orderShape)
	}
}

func setNumber(n *yaml.Node, key string, v int, s *shape) {
	text := strconv.Itoa(v)
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			v := n.Content[i+1]
			v.Tag, v.Value, v.Style = "!!int", text, 0
			return
		}
	}
	n.Content = append(n.Content, word(key), &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: text})
	canonical(n, s)
}

// The YAML library may move comments, so the text is formatted until it no longer changes. A lost
// comment is an error.
func formatYAML(data []byte, counts []int) ([]byte, error) {
	const tries = 6
	out := data
	for range tries {
		before := out
		doc, err := parseYAML(before, nil, nil)
		if err != nil {
			return nil, fmt.Errorf("cannot be formatted: %w", err)
		}
		canonical(doc.Content[0], fileShape)
		setCounts(doc.Content[0], counts)
		respell(doc)
		if out, err = writeYAML(doc); err != nil {
			return nil, fmt.Errorf("cannot be formatted: %w", err)
		}
		if bytes.Equal(out, before) {
			return out, sameText(data, out, counts)
		}
	}
	return nil, errors.New("cannot be formatted: its comments move each time; put each comment on a line of its own above what it is about")
}

func respell(n *yaml.Node) {
	block := n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0
	switch {
	case isNull(n) && n.Value == "":
		n.Value = "null"
	case block && strings.HasPrefix(strings.TrimLeft(n.Value, "\n"), "\t"):
		n.Style = yaml.DoubleQuotedStyle
	case n.Style == yaml.FoldedStyle && unfoldable.MatchString(n.Value):
		n.Style = yaml.LiteralStyle
	}
	for _, c := range n.Content {
		respell(c)
	}
}

var unfoldable = regexp.MustCompile(`(?m)^[ \t]|\n\n\z|[\x{2028}\x{2029}]`)

func writeYAML(doc *yaml.Node) ([]byte, error) {
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(doc); err != nil {
		return nil, err
	}
	if err := enc.Close(); err != nil {
		return nil, err
	}
	// The mark "..." shows that the file is complete.
	if !bytes.HasSuffix(b.Bytes(), []byte("\n...\n")) {
		b.WriteString("...\n")
	}
	return b.Bytes(), nil
}

func sameText(before, after []byte, counts []int) error {
	a, err := parseYAML(before, nil, nil)
	if err != nil {
		return err
	}
	b, err := parseYAML(after, nil, nil)
	if err != nil {
		return fmt.Errorf("cannot be formatted: %w", err)
	}
	for _, doc := range []*yaml.Node{a, b} {
		canonical(doc.Content[0], fileShape)
		setCounts(doc.Content[0], counts)
	}
	if at := difference(a.Content[0], b.Content[0]); at != nil {
		return fmt.Errorf("cannot be formatted without changing the value on line %d", at.Line)
	}
	was, is := comments(before, a), comments(after, b)
	for _, c := range was {
		if i, ok := slices.BinarySearch(is, c); ok {
			is = slices.Delete(is, i, i+1)
		} else {
			return fmt.Errorf("cannot be formatted without losing the comment %q; put it on a line of its own above what it is about", clip(c))
		}
	}
	return nil
}

func difference(a, b *yaml.Node) *yaml.Node {
	if a.Kind != b.Kind || kindOfTag(a.Tag) != kindOfTag(b.Tag) || a.Value != b.Value && !isNull(a) || len(a.Content) != len(b.Content) {
		return a
	}
	for i := range a.Content {
		if d := difference(a.Content[i], b.Content[i]); d != nil {
			return d
		}
	}
	return nil
}

func kindOfTag(tag string) string {
	if tag == "!!timestamp" {
		return "!!str"
	}
	return tag
}

// The YAML library drops some comments, so the text is searched too.
func comments(data []byte, doc *yaml.Node) (out []string) {
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "#") {
			out = append(out, line)
		}
	}
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		if c := strings.TrimSpace(n.LineComment); c != "" {
			out = append(out, c)
		}
		for _, c := range n.Content {
			walk(c)
		}
	}
	walk(doc)
	slices.Sort(out)
	return out
}
