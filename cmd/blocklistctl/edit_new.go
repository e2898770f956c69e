package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/source"
)

// Editors with the YAML language server read schemaLine and check the file.
const schemaLine = "# yaml-language-server: $schema=https://raw.githubusercontent.com/dns-orders/blocklist/main/plugin/order/schema.json\n"

// A signed file gets serial 0, because the first change raises the serial.
func emptyFile(path, zone string, signed bool) ([]byte, error) {
	var b bytes.Buffer
	ext := order.Ext(path)
	if ext == ".yaml" || ext == ".yml" {
		b.WriteString(schemaLine)
	}
	h := order.Header{Serial: -1, ShrinkOK: -1, Timezone: zone}
	if signed {
		h.Serial = 0
	}
	err := order.Encode(&b, ext, h, nil)
	return b.Bytes(), err
}

func (x *editing) create(path string, text []byte) error {
	path = filepath.Clean(path) // source.Names and source.Expand use clean paths
	if x.s.corefile != "" {
		abs, err := filepath.Abs(path)
		if err != nil {
			return err
		}
		path = abs
	}
	patterns := slices.Clone(x.s.Store.Patterns)
	at := slices.IndexFunc(patterns, func(p string) bool { return source.Names(p, path) })
	switch {
	case at < 0 && x.s.corefile != "":
		return misuse("%s: does not exist, and is not one of the ORDERS of the Corefile, so no server would load it", printable.Line(path))
	case at < 0:
		patterns = append(patterns, path)
	default:
		// A pattern that matches no file is an error. Replace this pattern with the new file.
		if found, _ := source.Expand(patterns[at : at+1]); len(found) == 0 {
			patterns[at] = path
		} else if !slices.Contains(found, path) {
			patterns = append(patterns, path)
		}
	}
	x.s.Store.Patterns = slices.DeleteFunc(patterns, func(p string) bool {
		_, err := os.Stat(p)
		return filepath.Clean(p) != path && errors.Is(err, fs.ErrNotExist) && !strings.ContainsAny(p, "*?[")
	})
	x.e.edited = map[string][]byte{path: text}
	x.isNew = true
	return nil
}

func (a *asker) whichFile(patterns, paths []string) (path string) {
	q := question{text: "In which file shall the order be?", flag: "--file",
		help: "A secret order has a file of its own, which only the server and you can read."}
	for i, p := range paths {
		q.text += fmt.Sprintf("\n  %d  %s", i+1, p)
	}
	q.text += "\nWrite a number, or the path of a new file."
	if len(paths) > 0 {
		q.offer = "1"
	}
	q.take = func(answer string) string {
		path = answer
		for i, p := range paths {
			if answer == fmt.Sprint(i+1) {
				path = p
			}
		}
		path = filepath.Clean(path)
		if slices.Contains(paths, path) {
			return ""
		}
		if !slices.Contains(order.Extensions, order.Ext(path)) {
			return fmt.Sprintf("the name of an order file ends in .yaml, got %q", answer)
		}
		if err := checkFolder(path); err != nil {
			return err.Error()
		}
		abs, err := filepath.Abs(path)
		if err != nil {
			return err.Error()
		}
		if !slices.ContainsFunc(patterns, func(p string) bool { return source.Names(p, path) || source.Names(p, abs) }) {
			return fmt.Sprintf("the server would not read this file: it reads %s", strings.Join(patterns, ", "))
		}
		return ""
	}
	a.ask(q)
	return path
}
