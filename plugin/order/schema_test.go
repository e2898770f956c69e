package order

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

func TestSchemaKeys(t *testing.T) {
	root, err := parseJSON(Schema, 1)
	if err != nil {
		t.Fatal(err)
	}
	defs := lookup(root, "$defs")
	var terms []string
	for _, f := range fields {
		if f.use&filled != 0 {
			terms = append(terms, f.key)
		}
	}
	order := orderShape.sub
	for def, want := range map[string][]string{
		"":                   fileShape.keys,
		"order":              orderShape.keys,
		"terms":              terms,
		"authority":          order["authority"].keys,
		"window":             order["windows"].keys,
		"scope":              order["scope"].keys,
		"exempt":             order["exempt"].keys,
		"target":             order["targets"].keys,
		"targets_from":       order["targets_from"].keys,
		"response":           order["response"].keys,
		"filtering_database": order["filtering_databases"].keys,
		"document":           order["document"].keys,
		"source":             fileShape.sub["source"].keys,
	} {
		n := root
		if def != "" {
			n = lookup(defs, def)
		}
		var got []string
		properties := lookup(n, "properties")
		for i := 0; i < len(properties.Content); i += 2 {
			got = append(got, properties.Content[i].Value)
			if p := properties.Content[i+1]; def != "terms" && lookup(p, "description") == nil {
				t.Errorf("%s.%s has no description", def, properties.Content[i].Value)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q has the keys\n%q, the parser\n%q", def, got, want)
		}
		if extra := lookup(n, "additionalProperties"); extra == nil || extra.Value != "false" {
			t.Errorf("%q allows other keys", def)
		}
	}
	if n := len(order); n != 10 {
		t.Errorf("%d shapes in an order; add the new shape to the test", n)
	}
	var b bytes.Buffer
	if err := json.Indent(&b, Schema, "", "  "); err != nil || b.String() != string(Schema) {
		t.Errorf("schema.json is not indented by two: %v", err)
	}
}

func schemas(t *testing.T) (file, line *jsonschema.Schema) {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	if file, err = c.Compile("schema.json"); err != nil {
		t.Fatal(err)
	}
	if line, err = c.Compile("schema.json#/$defs/order"); err != nil {
		t.Fatal(err)
	}
	return file, line
}

func TestSchemaFiles(t *testing.T) {
	file, line := schemas(t)
	validate := func(path string, data []byte) error {
		data = bytes.TrimPrefix(data, bom)
		if filepath.Ext(path) != ".jsonl" {
			var n *yaml.Node
			var err error
			if filepath.Ext(path) == ".json" {
				n, err = parseJSON(data, 1)
			} else if n, err = parseYAML(data, nil, nil); err == nil {
				n = n.Content[0]
			}
			if err != nil {
				return err
			}
			return file.Validate(plainValue(t, n))
		}
		header := true
		for text := range bytes.Lines(data) {
			if len(bytes.TrimSpace(text)) == 0 {
				continue
			}
			n, err := parseJSON(text, 1)
			if err != nil {
				return err
			}
			if header {
				header = false
				if n.Kind == yaml.MappingNode {
					n.Content = append(n.Content, word("orders"), &yaml.Node{Kind: yaml.SequenceNode})
				}
				err = file.Validate(plainValue(t, n))
			} else {
				err = line.Validate(plainValue(t, n))
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	for _, path := range glob(t, "good") {
		data, err := os.ReadFile(filepath.Join("testdata", path))
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(path, data); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	var missed []string
	bad := glob(t, "bad")
	for _, path := range bad {
		data, err := os.ReadFile(filepath.Join("testdata", path))
		if err != nil {
			t.Fatal(err)
		}
		if validate(path, data) == nil {
			missed = append(missed, strings.TrimPrefix(path, "bad/"))
		}
	}
	t.Logf("the schema finds %d of %d bad files, not %v", len(bad)-len(missed), len(bad), missed)
	if 10*len(missed) > 4*len(bad) {
		t.Errorf("the schema finds %d of %d bad files", len(bad)-len(missed), len(bad))
	}
}

// Editors use YAML 1.2, in which a date is a string.
func plainValue(t *testing.T, n *yaml.Node) any {
	t.Helper()
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			m[n.Content[i].Value] = plainValue(t, n.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		list := []any{}
		for _, c := range n.Content {
			list = append(list, plainValue(t, c))
		}
		return list
	}
	switch n.Tag {
	case "!!null":
		return nil
	case "!!bool":
		return n.Value == "true"
	case "!!int", "!!float":
		if json.Valid([]byte(n.Value)) {
			return json.Number(n.Value)
		}
	}
	return n.Value
}
