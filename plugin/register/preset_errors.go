package register

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/dns-orders/blocklist/plugin/order"
)

// presetTypes maps the names of types in errors of the YAML package to the types.
var presetTypes = map[string]reflect.Type{
	"Preset": reflect.TypeFor[Preset](), "Layout": reflect.TypeFor[Layout](), "Where": reflect.TypeFor[Where](),
	"AsOf": reflect.TypeFor[AsOf](), "Guards": reflect.TypeFor[Guards](),
}

var (
	unknownKey = regexp.MustCompile(`^(line \d+): field (.+) not found in type register\.(\w+)$`)
	wrongForm  = regexp.MustCompile("(?s)^(line \\d+): cannot unmarshal !!(\\w+)(?: `(.*)`)? into (.+)$")
)

// notPreset explains an error of the YAML package in the words of the documentation of presets.
func notPreset(err error) error {
	var bad *yaml.TypeError
	if !errors.As(err, &bad) {
		return fmt.Errorf("is not a preset: %w", err)
	}
	lines := make([]string, len(bad.Errors))
	for i, text := range bad.Errors {
		lines[i] = text
		if m := unknownKey.FindStringSubmatch(text); m != nil && presetTypes[m[3]] != nil {
			lines[i] = fmt.Sprintf("%s: unknown key %q%s", m[1], m[2], advice(m[2], presetTypes[m[3]]))
		} else if m := wrongForm.FindStringSubmatch(text); m != nil {
			got := map[string]string{"map": "a mapping", "seq": "a list"}[m[2]]
			if got == "" {
				got = fmt.Sprintf("%q", m[3])
			}
			lines[i] = fmt.Sprintf("%s: must be %s, got %s", m[1], formOf(m[4]), got)
		}
	}
	return errors.New(strings.Join(lines, "\n"))
}

// advice returns the key that was probably meant, or else all keys of the mapping.
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

// formOf describes a Go type in words of YAML, for example "a number".
func formOf(kind string) string {
	switch {
	case strings.HasPrefix(kind, "[]"):
		return "a list, such as [a, b]"
	case kind == "int":
		return "a number"
	case kind == "string":
		return "a text"
	}
	return "a mapping, such as {key: value}"
}
