package register

import (
	"embed"
	"errors"
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/dns-orders/blocklist/plugin/catalog"
)

//go:embed presets/*.yaml
var embedded embed.FS

// Presets has the presets of the program.
var Presets = &catalog.Catalog{Kind: "preset", Files: embedded, Folder: "presets"}

// Schema is the JSON Schema of presets.
//
//go:embed schema.json
var Schema []byte

// Load finds and parses a preset.
func Load(name, dir string) (*Preset, error) {
	data, place, err := Presets.Find(name, dir)
	if err != nil {
		return nil, err
	}
	base := catalog.NameOf(name)
	p, err := Parse(base, data)
	if err != nil {
		return nil, fmt.Errorf("preset %s (%s): %w", base, place, err)
	}
	return p, nil
}

// LoadWith returns a built-in preset. The given function may edit the keys before LoadWith parses
// the preset.
func LoadWith(name string, change func(preset map[string]any)) (*Preset, error) {
	data, _, err := Presets.Find(name, "")
	if err != nil {
		return nil, err
	}
	var keys map[string]any
	if err := yaml.Unmarshal(data, &keys); err != nil {
		return nil, err
	}
	change(keys)
	if data, err = yaml.Marshal(keys); err != nil {
		return nil, err
	}
	p, err := Parse(name, data)
	var list catalog.Problems
	if errors.As(err, &list) {
		for i := range list {
			list[i].Line = 0 // the user does not see the changed text
		}
	}
	return p, err
}
