package importer

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/dns-orders/blocklist/plugin/order"
)

// A Head contains the fields of an order except the targets.
type Head struct {
	// Timezone is the default time zone for times. Empty means UTC.
	Timezone string
	// Fields contains the fields of an order. A key with a dot is a nested field, for example
	// "authority.name". A value is a string or a list of strings.
	Fields map[string]any
}

// A File contains the text of an order file and its side list. Without a side list, Side is nil.
type File struct{ Order, Side []byte }

// Write returns the text of an order file. The extension of the path selects the format. The last
// argument is the path of the side list. If it is empty, all targets are in the order file. The
// error for an invalid head has the type order.Problems.
func (h *Head) Write(path string, targets []order.Target, side string) (*File, error) {
	o, err := h.Order()
	if err != nil {
		return nil, err
	}
	var f File
	if side != "" {
		o.Side = &order.SideList{File: side}
		if targets, f.Side = part(targets, o.Side); f.Side == nil {
			o.Side = nil // the server refuses an empty side list
		}
	}
	o.Targets = targets
	var b bytes.Buffer
	head := order.Header{Serial: -1, ShrinkOK: -1, Timezone: h.Timezone}
	if err := order.Encode(&b, order.Ext(path), head, []*order.Order{o}); err != nil {
		return nil, err
	}
	f.Order = b.Bytes()
	_, problems := order.Parse(path, bytes.NewReader(f.Order), order.Options{
		OpenSide: func(name string) (io.ReadCloser, error) {
			if name != side {
				return nil, errors.New("is not the list of this import")
			}
			return io.NopCloser(bytes.NewReader(f.Side)), nil
		},
	})
	if bad := problems.Errors(); len(bad) > 0 {
		return nil, bad
	}
	return &f, nil
}

func part(targets []order.Target, side *order.SideList) (rest []order.Target, text []byte) {
	for _, t := range targets {
		if t.Kind == order.TargetName && t.Match == order.Subtree && t.Attr == nil {
			side.Names.Append(t.Name)
			text = append(append(text, t.Name.String()...), '\n')
		} else {
			rest = append(rest, t)
		}
	}
	sum := sha256.Sum256(text)
	side.SHA256 = hex.EncodeToString(sum[:])
	return rest, text
}

func (h *Head) nested() (map[string]any, error) {
	o := map[string]any{"targets": []string{"placeholder.example"}}
	for key, value := range h.Fields {
		field, inner, ok := strings.Cut(key, ".")
		if !ok {
			o[key] = value
			continue
		}
		if _, ok := h.Fields[field]; ok {
			return nil, order.Problems{{Field: field, Msg: fmt.Sprintf("cannot have both a value and the key %q", inner)}}
		}
		if o[field] == nil {
			o[field] = map[string]any{}
		}
		o[field].(map[string]any)[inner] = value
	}
	return o, nil
}

// Order makes an order from the head and checks the order as a server does. A placeholder replaces
// missing targets. The problems of the head have the type order.Problems.
func (h *Head) Order() (*order.Order, error) {
	fields, err := h.nested()
	if err != nil {
		return nil, err
	}
	file := map[string]any{"version": 1, "orders": []any{fields}}
	if h.Timezone != "" {
		file["timezone"] = h.Timezone
	}
	data, err := json.Marshal(file)
	if err != nil {
		return nil, err
	}
	parsed, problems := order.Parse("head.json", bytes.NewReader(data), order.Options{})
	if bad := problems.Errors(); len(bad) > 0 {
		for i := range bad { // the user does not see the file head.json
			bad[i].File, bad[i].Line, bad[i].Column = "", 0, 0
		}
		return nil, bad
	}
	return parsed.Orders[0], nil
}
