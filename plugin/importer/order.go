package importer

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"

	"github.com/dns-orders/blocklist/plugin/order"
)

// A Head contains the fields of an order except its targets, in the form of an order file.
// Empty fields are omitted. A test lists the fields of an order that an import cannot set.
type Head struct {
	Timezone                     string // for dates and times without an offset
	ID, Action                   string
	Lifts                        []string
	Authority, Country, Kind     string
	References                   []string
	Basis, Category, Subject     string
	Note, Claimant, Redress      string
	Issued, Served, Deadline     string
	Acknowledged, Reported       string
	From, Until, Review, Status  string
	Global                       bool // scope: global; a lift needs no scope
	ScopeCountries, ScopeClients []string
	Response                     string
	Redirect                     []string // addresses; replaces Response
	TTL, Disclosure, URL         string
	ReportTo                     string
}

// A File is an order file made by an import, with its side list if it has one.
type File struct{ Order, Side []byte }

// Write returns an order file in the format of path's extension. It does not open path. If
// side is not empty, it is the path of a side list relative to the order file. Names with the
// default match and without attributes then go to the side list, and all other targets to the
// order file.
//
// Write parses its result as the server does. If the head is not valid, the error is
// order.Problems, in which Field names the field.
func (h *Head) Write(path string, targets []order.Target, side string) (*File, error) {
	o, err := h.order()
	if err != nil {
		return nil, err
	}
	var f File
	if side != "" {
		o.Side = &order.SideList{File: side}
		if targets, f.Side = part(targets, o.Side); f.Side == nil {
			o.Side = nil // there are no such names, and the server refuses an empty side list
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

// part moves the names with the default match and without attributes to the side list. It
// returns the other targets and the text of the side list.
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

// fields returns the head as an order file has it, with a target in place of the list.
func (h *Head) fields() map[string]any {
	o := map[string]any{"targets": []string{"placeholder.example"}}
	put := func(key, value string) {
		if value != "" {
			o[key] = value
		}
	}
	list := func(key string, values []string) {
		if len(values) > 0 {
			o[key] = values
		}
	}
	put("id", h.ID)
	put("action", h.Action)
	list("lifts", h.Lifts)
	authority := map[string]string{}
	for key, value := range map[string]string{"name": h.Authority, "country": h.Country, "kind": h.Kind} {
		if value != "" {
			authority[key] = value
		}
	}
	o["authority"] = authority
	list("references", h.References)
	for key, value := range map[string]string{
		"basis": h.Basis, "category": h.Category, "subject": h.Subject, "note": h.Note,
		"claimant": h.Claimant, "redress": h.Redress, "acknowledged": h.Acknowledged, "reported": h.Reported,
		"issued": h.Issued, "served": h.Served, "deadline": h.Deadline, "from": h.From, "until": h.Until,
		"review": h.Review, "status": h.Status, "response": h.Response, "ttl": h.TTL,
		"disclosure": h.Disclosure, "url": h.URL, "report_to": h.ReportTo,
	} {
		put(key, value)
	}
	if len(h.Redirect) > 0 {
		o["response"] = map[string][]string{"redirect": h.Redirect}
	}
	switch {
	case h.Global:
		o["scope"] = "global"
	case len(h.ScopeCountries)+len(h.ScopeClients) > 0:
		scope := map[string][]string{}
		if len(h.ScopeCountries) > 0 {
			scope["countries"] = h.ScopeCountries
		}
		if len(h.ScopeClients) > 0 {
			scope["clients"] = h.ScopeClients
		}
		o["scope"] = scope
	}
	return o
}

// order parses the head as the one order of a file, so that the same rules validate the
// head as an order written by hand.
func (h *Head) order() (*order.Order, error) {
	if h.Global && len(h.ScopeCountries)+len(h.ScopeClients) > 0 {
		return nil, order.Problems{{Field: "scope", Msg: "is global and for some clients only; a global order has no countries and no clients"}}
	}
	file := map[string]any{"version": 1, "orders": []any{h.fields()}}
	if h.Timezone != "" {
		file["timezone"] = h.Timezone
	}
	data, err := json.Marshal(file)
	if err != nil {
		return nil, err
	}
	parsed, problems := order.Parse("head.json", bytes.NewReader(data), order.Options{})
	if bad := problems.Errors(); len(bad) > 0 {
		for i := range bad { // the user does not see this file
			bad[i].File, bad[i].Line, bad[i].Column = "", 0, 0
		}
		return nil, bad
	}
	return parsed.Orders[0], nil
}
