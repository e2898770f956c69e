// Package catalog finds and decodes YAML descriptions. A description is a preset of a register, or
// a platform of the feed. The program contains some descriptions. An operator can add a directory
// with others.
package catalog

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A Catalog has the descriptions of one kind.
type Catalog struct {
	Kind   string
	Files  fs.FS
	Folder string
}

const extension = ".yaml"

// BuiltIn is the place that Find returns for a description that is part of the program.
const BuiltIn = "built in"

const maxSize = 1 << 20

// NameOf returns the name of the description in a file.
func NameOf(path string) string { return strings.TrimSuffix(filepath.Base(path), extension) }

// Names returns the sorted names of all descriptions. Without a directory, these are the
// descriptions in the program.
func (c *Catalog) Names(dir string) ([]string, error) {
	var names []string
	add := func(f fs.FS, pattern string) error {
		paths, err := fs.Glob(f, pattern)
		for _, p := range paths {
			names = append(names, strings.TrimSuffix(p[strings.LastIndexByte(p, '/')+1:], extension))
		}
		return err
	}
	err := add(c.Files, c.Folder+"/*"+extension)
	if dir != "" {
		if _, bad := os.Stat(dir); bad != nil {
			return nil, bad
		}
		err = errors.Join(err, add(os.DirFS(dir), "*"+extension))
	}
	slices.Sort(names)
	return slices.Compact(names), err
}

// Find returns the text of a description and its place. A name with a slash or the extension .yaml
// is a path. Otherwise, Find looks first in the directory and then in the program.
func (c *Catalog) Find(name, dir string) (data []byte, place string, err error) {
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
	data, err = fs.ReadFile(c.Files, c.Folder+"/"+name+extension)
	if err != nil {
		return nil, "", fmt.Errorf("there is no %s %q; blocklistctl %s list shows all %ss", c.Kind, name, c.Kind, c.Kind)
	}
	return data, BuiltIn, nil
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxSize {
		return nil, &fs.PathError{Op: "read", Path: path, Err: errors.New("is not a file of at most 1 MiB")}
	}
	return io.ReadAll(io.LimitReader(f, maxSize))
}
