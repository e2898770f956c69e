package main

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/dns-orders/blocklist/plugin/catalog"
	"github.com/dns-orders/blocklist/plugin/feed"
	"github.com/dns-orders/blocklist/plugin/register"
)

func TestDescriptionSchemas(t *testing.T) {
	for _, tc := range []struct {
		c      *catalog.Catalog
		schema []byte
		into   any
	}{{register.Presets, register.Schema, register.Preset{}}, {feed.Platforms, feed.Schema, feed.Platform{}}} {
		var root map[string]any
		if err := json.Unmarshal(tc.schema, &root); err != nil {
			t.Fatal(err)
		}
		sameKeys(t, tc.c.Kind, root, root, reflect.TypeOf(tc.into))
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(tc.schema))
		if err != nil {
			t.Fatal(err)
		}
		compiler := jsonschema.NewCompiler()
		if err := compiler.AddResource("schema.json", doc); err != nil {
			t.Fatal(err)
		}
		schema, err := compiler.Compile("schema.json")
		if err != nil {
			t.Fatal(err)
		}
		names, err := tc.c.Names("")
		if err != nil || len(names) == 0 {
			t.Fatal(names, err)
		}
		for _, name := range names {
			data, _, err := tc.c.Find(name, "")
			if err != nil {
				t.Fatal(err)
			}
			var v any
			if err := yaml.Unmarshal(data, &v); err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(v); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func sameKeys(t *testing.T, at string, root, schema map[string]any, into reflect.Type) {
	if ref, ok := schema["$ref"].(string); ok {
		schema = root["$defs"].(map[string]any)[ref[len("#/$defs/"):]].(map[string]any)
	}
	switch into.Kind() {
	case reflect.Slice:
		if items, ok := schema["items"].(map[string]any); ok {
			sameKeys(t, at+"[]", root, items, into.Elem())
		}
		return
	case reflect.Map:
		if values, ok := schema["additionalProperties"].(map[string]any); ok {
			sameKeys(t, at+"{}", root, values, into.Elem())
		}
		return
	case reflect.Struct:
	default:
		return
	}
	properties, _ := schema["properties"].(map[string]any)
	if schema["additionalProperties"] != false {
		t.Errorf("%s: the schema allows unknown keys", at)
	}
	known := map[string]bool{}
	for i := range into.NumField() {
		f := into.Field(i)
		key := f.Tag.Get("yaml")
		if key == "" {
			continue
		}
		property, ok := properties[key].(map[string]any)
		if !ok {
			t.Errorf("%s: the schema does not have the key %s", at, key)
			continue
		}
		known[key] = true
		sameKeys(t, at+"."+key, root, property, f.Type)
	}
	for key := range properties {
		if known[key] {
			continue
		}
		t.Errorf("%s: the schema has the key %s, and the decoder does not", at, key)
	}
}
