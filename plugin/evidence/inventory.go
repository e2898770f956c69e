package evidence

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/dns-orders/blocklist/plugin/durable"
	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/plugin/printable"
	"go.yaml.in/yaml/v3"
	"golang.org/x/mod/sumdb/note"
)

// A Node is a server with a journal, as listed in an inventory.
type Node struct {
	Name string // the name of the journal
	Key  string // the public key
	Dir  string // the directory of the journal, as seen by this machine

	verifier note.Verifier
	line     int
}

// Subdir returns the name of the directory for the copy. Characters except ASCII letters, digits,
// dots and hyphens become "_".
func (n *Node) Subdir() string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' {
			return r
		}
		return '_'
	}, n.Name)
}

// ParseInventory parses an inventory in YAML. Relative directories start at the directory of the
// inventory. The error has a line for each problem.
func ParseInventory(path string, text []byte) ([]*Node, error) {
	var errs []error
	bad := func(line int, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s:%d: %s", printable.Line(path), line, fmt.Sprintf(format, args...)))
	}
	var doc yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %s", printable.Line(path), printable.Line(strings.TrimPrefix(err.Error(), "yaml: ")))
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: has more than one document", printable.Line(path))
	}
	var list []*yaml.Node
	if len(doc.Content) == 1 && doc.Content[0].Kind == yaml.MappingNode {
		for top := doc.Content[0].Content; len(top) > 1; top = top[2:] {
			if top[0].Value != "nodes" {
				bad(top[0].Line, "unknown field, got %q; an inventory has the field nodes", printable.Line(top[0].Value))
				continue
			}
			if list != nil || top[1].Kind != yaml.SequenceNode {
				bad(top[0].Line, "nodes: must be one list")
				continue
			}
			list = top[1].Content
		}
	}
	if len(list) == 0 && errs == nil {
		return nil, fmt.Errorf("%s: has no nodes: the inventory is a list \"nodes\" of entries with name, key and dir", printable.Line(path))
	}
	var nodes []*Node
	lines := map[string]int{} // a name, key, or directory -> the line of its node
	once := func(what, s string, line int) {
		id := what + strings.ToLower(s)
		if first, ok := lines[id]; ok {
			bad(line, "%s: is that of the node in line %d, got %q", what, first, printable.Line(s))
		}
		lines[id] = line
	}
	for _, y := range list {
		n := &Node{line: y.Line}
		if y.Kind != yaml.MappingNode {
			bad(y.Line, "a node must have name, key and dir")
			continue
		}
		for k := 0; k+1 < len(y.Content); k += 2 {
			key, value := y.Content[k], y.Content[k+1]
			field := map[string]*string{"name": &n.Name, "key": &n.Key, "dir": &n.Dir}[key.Value]
			switch {
			case field == nil:
				bad(key.Line, "unknown field, got %q; a node has name, key and dir", printable.Line(key.Value))
			case value.Kind != yaml.ScalarNode:
				bad(value.Line, "%s: must be a text", key.Value)
			case *field != "":
				bad(key.Line, "%s: is there twice", key.Value)
			default:
				*field = strings.TrimSpace(value.Value)
			}
		}
		missing := ""
		for _, f := range []struct{ name, value string }{{"name", n.Name}, {"key", n.Key}, {"dir", n.Dir}} {
			if f.value == "" {
				missing += " " + f.name
			}
		}
		if missing != "" {
			bad(y.Line, "the node has no%s", missing)
			continue
		}
		if err := journal.CheckOrigin(n.Name); err != nil {
			bad(y.Line, "name: %v", err)
		}
		v, err := note.NewVerifier(n.Key)
		switch {
		case err != nil:
			bad(y.Line, "key: is not the public key of a journal, got %q", printable.Line(n.Key))
		case v.Name() != n.Name:
			bad(y.Line, "key: is the key of %q, and not of %q", printable.Line(v.Name()), printable.Line(n.Name))
		}
		if dir := n.Subdir(); strings.HasPrefix(dir, ".") || dir == CollectedName || dir == durable.LockName {
			bad(y.Line, "name: must not begin with a point, and not be %s or %s, got %q", CollectedName, durable.LockName, printable.Line(n.Name))
		}
		n.verifier = v
		if !filepath.IsAbs(n.Dir) {
			n.Dir = filepath.Join(filepath.Dir(path), n.Dir)
		}
		once("name", n.Subdir(), y.Line)
		once("key", n.Key, y.Line)
		once("dir", filepath.Clean(n.Dir), y.Line)
		nodes = append(nodes, n)
	}
	return nodes, errors.Join(errs...)
}
