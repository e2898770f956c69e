// Package register converts the registers that authorities publish into order files. A preset
// describes one register as data: its file format, its columns and its orders. One engine serves
// all presets.
//
// [Import] works in these steps. A reader converts the file into rows (read_*.go). A layout gives
// the columns their names (layout.go). Each row becomes entries (row.go). An entry is a target with
// an order and an end.
//
// All entries with the same key, for example the same date and number of the decision, become one
// order (group.go, store.go). The orders are merged with the previous output (merge.go), and encoded
// (lines.go, write.go). Guards refuse an import that would end too many names.
//
// The result depends only on the preset, the file, the previous output and the options.
package register

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/importer"
	"github.com/dns-orders/blocklist/plugin/order"
)

// A Preset describes a register. See docs/blocklistctl-registers.md for the keys.
type Preset struct {
	Name      string                               `yaml:"preset"`
	Title     string                               `yaml:"title"`
	Seen      string                               `yaml:"seen"`
	Page      string                               `yaml:"page"`
	Format    string                               `yaml:"format"`
	Charset   string                               `yaml:"charset"`
	Separator string                               `yaml:"separator"`
	Quote     string                               `yaml:"quote"`
	Sheet     string                               `yaml:"sheet"`
	Namespace string                               `yaml:"namespace"`
	Record    string                               `yaml:"record"`
	FirstLine string                               `yaml:"first_line"`
	AsOf      AsOf                                 `yaml:"as_of"`
	Timezone  string                               `yaml:"timezone"`
	Dates     []string                             `yaml:"dates"`
	Given     map[string]string                    `yaml:"given"`
	Layouts   []Layout                             `yaml:"layouts"`
	Order     map[string]any                       `yaml:"order"`
	By        map[string]map[string]map[string]any `yaml:"by"`
	Group     []string                             `yaml:"group"`
	ID        string                               `yaml:"id"`
	Decide    map[string]string                    `yaml:"decide"`
	Vanished  string                               `yaml:"vanished"`
	Term      string                               `yaml:"term"`
	SHA256    string                               `yaml:"sha256"`
	Guards    Guards                               `yaml:"guards"`

	loc       *time.Location
	firstLine *regexp.Regexp
	idPattern pattern
	term      term
	maxDrop   float64
}

// AsOf describes where a file states its time.
type AsOf struct {
	// Attribute is an attribute of the root element of an XML file.
	Attribute string   `yaml:"attribute"`
	Dates     []string `yaml:"dates"`
}

// Guards are the limits of an import.
type Guards struct {
	// MinRows is the minimum number of rows of the first import.
	MinRows int    `yaml:"min_rows"`
	MaxDrop string `yaml:"max_drop"`
}

// formats contains the formats of files.
var formats = []string{"lines", "table", "xlsx", "json", "xml", "zone", "hosts", "adblock"}

var listColumns = map[string][]string{
	"lines":   {"name"},
	"zone":    {"name", "action", "covers", "address"},
	"hosts":   {"name", "address"},
	"adblock": {"name", "action"},
}

// Lift, Keep and Refuse are the values of Preset.Vanished. They are actions for targets that are no
// longer in the file.
const (
	Lift   = "lift"
	Keep   = "keep"
	Refuse = "refuse"
)

const defaultMaxDrop = "10%"

// Parse parses a preset. The preset must have the given name. The error is a [catalog.Problems]
// with all problems.
func Parse(name string, data []byte) (*Preset, error) {
	p := &Preset{}
	d, err := Presets.Decode(name, data, p)
	if err != nil {
		return nil, err
	}
	p.check(d.Bad)
	return p, d.Err()
}

type badFunc func(key, format string, args ...any)

// check checks the preset and prepares its compiled fields.
func (p *Preset) check(bad badFunc) {
	var err error
	oneOf := func(key, got string, words ...string) {
		if !slices.Contains(words, got) {
			bad(key, "must be one of %s, got %q", strings.Trim(strings.Join(words, ", "), ", "), got)
		}
	}
	if p.Title == "" {
		bad("title", "is required")
	}
	if p.Seen == "" {
		bad("seen", `is required: the files that the preset was tested with, or "none"`)
	}
	oneOf("format", p.Format, formats...)
	if _, err := charset(p.Charset); err != nil {
		bad("charset", "%v", err)
	}
	if p.Separator != "" && len([]rune(p.Separator)) != 1 {
		bad("separator", "must be one character, got %q", p.Separator)
	}
	oneOf("quote", p.Quote, "none", "")
	oneOf("sha256", p.SHA256, "required", "")
	if p.Vanished == "" {
		p.Vanished = Refuse
	}
	oneOf("vanished", p.Vanished, Lift, Keep, Refuse)
	if p.Timezone == "" {
		p.Timezone = "UTC"
	}
	if p.loc, err = time.LoadLocation(p.Timezone); err != nil {
		bad("timezone", "must be an IANA time zone such as Europe/Rome, got %q", p.Timezone)
		p.loc = time.UTC
	}
	if p.FirstLine != "" {
		if p.firstLine, err = regexp.Compile(p.FirstLine); err != nil {
			bad("first_line", "%v", err)
		}
	}
	if p.Term != "" {
		if p.term, err = parseTerm(p.Term); err != nil {
			bad("term", "%v", err)
		}
	}
	drop := p.Guards.MaxDrop
	if drop == "" {
		drop = defaultMaxDrop
	}
	percent, ok := strings.CutSuffix(drop, "%")
	if p.maxDrop, err = strconv.ParseFloat(percent, 64); err != nil || !ok || !(p.maxDrop >= 0 && p.maxDrop <= 100) {
		bad("guards.max_drop", "must be a percentage such as 10%%, got %q", drop)
	}
	if p.Guards.MinRows < 0 {
		bad("guards.min_rows", "must not be negative, got %d", p.Guards.MinRows)
	}
	if (p.Format == "json" || p.Format == "xml") && p.Record == "" {
		bad("record", "is required for the format %s: the path of an entry, such as /list/entry", p.Format)
	}
	for _, form := range slices.Sorted(maps.Keys(p.Decide)) {
		one := importer.Options{Decide: map[importer.Form]string{importer.Form(form): p.Decide[form]}}
		if err := one.Check(); err != nil {
			bad("decide", "%v", err)
		}
	}
	p.checkLayouts(bad)
	p.checkOrder(bad)
}

var matches = map[string]order.Match{"exact": order.Exact, "subtree": order.Subtree, "below": order.BelowOnly}

func (p *Preset) checkOrder(bad badFunc) {
	if p.idPattern = parsePattern(p.ID); p.ID == "" {
		bad("id", "is required, for example authority/{issued}")
	}
	known := p.fileColumns()
	for _, c := range p.Group {
		known[c] = true
	}
	for _, c := range placeholders(p.ID) {
		if !known[c] {
			bad("id", "{%s} is not in group", c)
		}
	}
	for _, c := range p.Group {
		if !slices.Contains(placeholders(p.ID), c) {
			bad("group", "the column %s must be in id, so that different orders have different ids", c)
		}
	}
	walk(p.Order, func(s string) {
		for _, c := range placeholders(s) {
			if !known[c] {
				bad("order", "{%s} is not in group", c)
			}
		}
	})
	for _, c := range slices.Sorted(maps.Keys(p.By)) {
		if !known[c] {
			bad("by", "%q is not in group", c)
		}
	}
	for _, key := range []string{"id", "targets", "targets_from", "issued", "served", "action", "windows"} {
		if p.Order[key] != nil {
			bad("order."+key, "is made by the import and is no key of a preset")
		}
	}
	if p.Term != "" && !slices.Contains(p.Group, "issued") {
		bad("term", "requires the column issued in group")
	}
	example := map[string]string{}
	for c := range known {
		example[c] = exampleOf(c)
	}
	tries := []map[string]any{{}}
	for _, c := range slices.Sorted(maps.Keys(p.By)) {
		for _, v := range slices.Sorted(maps.Keys(p.By[c])) {
			tries = append(tries, p.By[c][v])
		}
	}
	for _, by := range tries {
		fields := maps.Clone(p.Order)
		if fields == nil {
			fields = map[string]any{}
		}
		maps.Copy(fields, by)
		if _, err := p.template(fields, example); err != nil {
			bad("order", "%v", err)
		}
	}
}

func exampleOf(column string) string {
	switch column {
	case "country":
		return "IT"
	case "address":
		return "192.0.2.1"
	case "kind":
		return "regulator"
	}
	return "1"
}

// clean returns the options for the cleaner of names.
func (p *Preset) clean(allowSuffix bool) importer.Options {
	o := importer.Options{AllowSuffix: allowSuffix, Decide: map[importer.Form]string{}}
	for form, word := range p.Decide {
		o.Decide[importer.Form(form)] = word
	}
	return o
}

var placeholder = regexp.MustCompile(`\{([a-z_]+)\}`)

func placeholders(s string) (out []string) {
	for _, m := range placeholder.FindAllStringSubmatch(s, -1) {
		out = append(out, m[1])
	}
	return out
}

func fill(s string, value func(string) string) string {
	if !strings.Contains(s, "{") {
		return s
	}
	return placeholder.ReplaceAllStringFunc(s, func(m string) string { return value(m[1 : len(m)-1]) })
}

// A pattern is a text with placeholders, in parts.
type pattern []patternPart

type patternPart struct{ text, column string } // one of the two is empty

func parsePattern(s string) (p pattern) {
	at := 0
	for _, m := range placeholder.FindAllStringSubmatchIndex(s, -1) {
		if at < m[0] {
			p = append(p, patternPart{text: s[at:m[0]]})
		}
		p, at = append(p, patternPart{column: s[m[2]:m[3]]}), m[1]
	}
	if at < len(s) {
		p = append(p, patternPart{text: s[at:]})
	}
	return p
}

func (p pattern) fill(value func(string) string) string {
	if len(p) == 1 && p[0].column != "" {
		return value(p[0].column)
	}
	var b strings.Builder
	for _, part := range p {
		if part.column != "" {
			b.WriteString(value(part.column))
		} else {
			b.WriteString(part.text)
		}
	}
	return b.String()
}

// walk calls f for each string in v.
func walk(v any, f func(string)) {
	switch v := v.(type) {
	case string:
		f(v)
	case []any:
		for _, x := range v {
			walk(x, f)
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			walk(v[k], f)
		}
	}
}

type term struct{ years, months, days int }

var termForm = regexp.MustCompile(`^([1-9]\d{0,3})([ymd])$`)

func parseTerm(s string) (t term, err error) {
	m := termForm.FindStringSubmatch(s)
	if m == nil {
		return t, fmt.Errorf("must be a number of years, months or days such as 3y, 6m or 90d, got %q", s)
	}
	n, _ := strconv.Atoi(m[1])
	switch m[2] {
	case "y":
		t.years = n
	case "m":
		t.months = n
	default:
		t.days = n
	}
	return t, nil
}
