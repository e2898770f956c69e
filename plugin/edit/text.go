// Package edit changes values in the text of an order file. All other bytes stay the same,
// including comments. If another value would change, the package returns an error and keeps the old
// text.
package edit

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/dns-orders/blocklist/plugin/order"
)

// MaxBytes is the maximum size of a file, in bytes.
const MaxBytes = 16 << 20

// A Text is the text of a valid order file.
type Text struct {
	path string
	data []byte // without a byte order mark
	bom  bool
	root *yaml.Node // nil for JSON Lines
}

var bom = []byte("\uFEFF")

// Parse returns the Text of a valid order file. It returns an error for a file above MaxBytes.
func Parse(path string, data []byte) (*Text, error) {
	switch order.Ext(path) {
	case ".yaml", ".yml", ".json", ".jsonl":
	default:
		return nil, fmt.Errorf("%s: only files that end in .yaml, .yml, .json or .jsonl can be edited", path)
	}
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("%s: is larger than %d MiB, and cannot be edited; add the orders to a file of their own", path, MaxBytes>>20)
	}
	t := &Text{path: path, data: bytes.TrimPrefix(data, bom), bom: bytes.HasPrefix(data, bom)}
	if t.lined() {
		return t, nil // each line is parsed when the line is changed
	}
	root, err := parse(t.data)
	if err != nil {
		return nil, fmt.Errorf("%s: cannot be edited: %w", path, err)
	}
	t.root = root
	return t, nil
}

// Bytes returns the text of the file with all changes.
func (t *Text) Bytes() []byte {
	if t.bom {
		return append(bytes.Clone(bom), t.data...)
	}
	return bytes.Clone(t.data)
}

func parse(data []byte) (*yaml.Node, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, err
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("is not an order file")
	}
	return doc.Content[0], nil
}

type splice struct {
	start, end int
	text       string
}

func (t *Text) change(line int, want *yaml.Node, splices ...splice) error {
	for _, s := range splices {
		if t.windows() {
			s.text = strings.ReplaceAll(s.text, "\n", "\r\n")
		}
		data := bytes.Join([][]byte{t.data[:s.start], []byte(s.text), t.data[s.end:]}, nil)
		if root, err := parse(data); err == nil && same(root, want) {
			t.data, t.root = data, root
			return nil
		}
	}
	return fmt.Errorf("%s:%d: the file cannot be edited here without a change of other values; blocklistctl fmt -w writes a form that can be edited", t.path, line)
}

func (t *Text) windows() bool {
	i := bytes.IndexByte(t.data, '\n')
	return i > 0 && t.data[i-1] == '\r'
}

func same(a, b *yaml.Node) bool {
	if a.Kind != b.Kind || tag(a) != tag(b) || len(a.Content) != len(b.Content) {
		return false
	}
	switch a.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(a.Content); i += 2 {
			other := lookup(b, a.Content[i].Value)
			if other == nil || !same(a.Content[i+1], other) {
				return false
			}
		}
	case yaml.SequenceNode:
		for i := range a.Content {
			if !same(a.Content[i], b.Content[i]) {
				return false
			}
		}
	default:
		return a.Value == b.Value || tag(a) == "!!null"
	}
	return true
}

func tag(n *yaml.Node) string {
	if n.Tag == "!!timestamp" {
		return "!!str"
	}
	return n.Tag
}

// lookup returns the value of a key, or nil.
func lookup(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// clone returns a copy of a tree.
func clone(n *yaml.Node) *yaml.Node {
	c := *n
	c.Content = make([]*yaml.Node, len(n.Content))
	for i := range n.Content {
		c.Content[i] = clone(n.Content[i])
	}
	return &c
}

func (t *Text) order(id string) (int, error) {
	if list := lookup(t.root, "orders"); list != nil {
		for i, o := range list.Content {
			if n := lookup(o, "id"); n != nil && n.Value == id {
				return i, nil
			}
		}
	}
	return 0, fmt.Errorf("%s: has no order %q", t.path, id)
}
