package importer

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"path/filepath"

	"github.com/dns-orders/blocklist/plugin/order"
)

// Head is what an order says besides its targets, each field as an order file
// writes it; empty fields are left out. A test lists the fields of an order that an import
// cannot set.
type Head struct {
	Timezone                     string // of dates and times without an offset
	ID, Action                   string
	Lifts                        []string
	Authority, Country, Kind     string
	References                   []string
	Basis, Category, Subject     string
	Note, Claimant, Redress      string
	Issued, Served, Deadline     string
	Acknowledged, Reported       string
	From, Until, Review, Status  string
	Global                       bool // scope; on a lift none of the three need be given
	ScopeCountries, ScopeClients []string
	Response                     string
	Redirect                     []string // addresses, in place of Response
	TTL, Disclosure, URL         string
	ReportTo                     string
}

// File is an order file that an import made, and its side list when it has one.
type File struct{ Order, Side []byte }

// Write puts the order file together, in the form that path's ending names; path
// is not opened. With a side, the path of a side list relative to the order
// file, the plain names go there, and what a side list cannot hold stays.
//
// A head that no order file could have gives order.Problems, whose Field names
// the field. What was written has been read back, as the server would.
func (h *Head) Write(path string, targets []order.Target, side string) (*File, error) {
	o, err := h.order()
	if err != nil {
		return nil, err
	}
	var f File
	if side != "" {
		o.Side = &order.SideList{File: side}
		if targets, f.Side = part(targets, o.Side); f.Side == nil {
			o.Side = nil // no plain name: a list without any would be refused
		}
	}
	o.Targets = targets
	var b bytes.Buffer
	head := order.Header{Serial: -1, ShrinkOK: -1, Timezone: h.Timezone}
	if err := order.Encode(&b, filepath.Ext(path), head, []*order.Order{o}); err != nil {
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

// part moves the plain names, which a side list can hold, to the side list, and
// returns the other targets.
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
		for i := range bad { // places in a file that nobody sees
			bad[i].File, bad[i].Line, bad[i].Column = "", 0, 0
		}
		return nil, bad
	}
	return parsed.Orders[0], nil
}
