package register

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

//go:embed presets/*.yaml
var embedded embed.FS

// Schema is the JSON Schema of presets.
//
//go:embed schema.json
var Schema []byte

const extension = ".yaml"

// maxPreset is the largest number of bytes in a preset.
const maxPreset = 1 << 20

// Names returns the names of all presets: the presets in dir, and the presets that are part of the
// program. If dir is empty, there is no directory.
func Names(dir string) ([]string, error) {
	var names []string
	add := func(f fs.FS, pattern string) error {
		paths, err := fs.Glob(f, pattern)
		for _, p := range paths {
			names = append(names, strings.TrimSuffix(p[strings.LastIndexByte(p, '/')+1:], extension))
		}
		return err
	}
	err := add(embedded, "presets/*"+extension)
	if dir != "" {
		if _, bad := os.Stat(dir); bad != nil {
			return nil, bad
		}
		err = errors.Join(err, add(os.DirFS(dir), "*"+extension))
	}
	slices.Sort(names)
	return slices.Compact(names), err
}

// Find returns the text of a preset, and the place of the preset. A name with a slash or the
// extension .yaml is a path. Otherwise Find looks in dir, and then in the program.
func Find(name, dir string) (data []byte, place string, err error) {
	if strings.HasSuffix(name, extension) || strings.ContainsRune(name, filepath.Separator) {
		data, err = readFile(name)
		return data, name, err
	}
	if dir != "" {
		place = filepath.Join(dir, name+extension)
		data, err = readFile(place)
		if !errors.Is(err, fs.ErrNotExist) {
			return data, place, err
		}
	}
	data, err = embedded.ReadFile("presets/" + name + extension)
	if err != nil {
		return nil, "", fmt.Errorf("there is no preset %q; blocklistctl preset list shows all presets", name)
	}
	return data, "built in", nil
}

func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular() || info.Size() > maxPreset:
		return nil, errors.New("is not a file of at most 1 MiB")
	}
	return os.ReadFile(path)
}

// Load finds and parses a preset.
func Load(name, dir string) (*Preset, error) {
	data, place, err := Find(name, dir)
	if err != nil {
		return nil, err
	}
	base := strings.TrimSuffix(filepath.Base(name), extension)
	p, err := Parse(base, data)
	if err != nil {
		return nil, fmt.Errorf("preset %s (%s): %w", base, place, err)
	}
	return p, nil
}

// LoadWith returns a preset that is part of the program. The function change may modify the keys of
// the preset before the preset is parsed.
func LoadWith(name string, change func(preset map[string]any)) (*Preset, error) {
	data, _, err := Find(name, "")
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
	return Parse(name, data)
}
