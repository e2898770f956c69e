package main

import (
	"bytes"
	"path/filepath"
	"slices"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/source"
)

// schemaLine is the first line of a new order file in YAML. Editors with the YAML language server
// then check the file while a person writes.
const schemaLine = "# yaml-language-server: $schema=https://raw.githubusercontent.com/dns-orders/blocklist/main/plugin/order/schema.json\n"

// emptyFile returns the text of an order file without orders. The extension of path selects the
// format. zone is the time zone of the file, or "" for UTC.
func emptyFile(path, zone string) ([]byte, error) {
	var b bytes.Buffer
	ext := order.Ext(path)
	if ext == ".yaml" || ext == ".yml" {
		b.WriteString(schemaLine)
	}
	err := order.Encode(&b, ext, order.Header{Serial: -1, ShrinkOK: -1, Timezone: zone}, nil)
	return b.Bytes(), err
}

// create adds a file that does not exist yet to the files of the orders.
func (x *editing) create(path string, text []byte) error {
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
		// A directory without an order file is an error of the load.
		if found, _ := source.Expand(patterns[at : at+1]); len(found) == 0 {
			patterns[at] = path
		} else if !slices.Contains(found, path) {
			patterns = append(patterns, path)
		}
	}
	x.s.Store.Patterns = patterns
	x.e.edited = map[string][]byte{path: text}
	x.isNew = true
	return nil
}
