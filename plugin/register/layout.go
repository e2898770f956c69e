package register

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// A Layout describes the columns of a file. Import uses the first layout that has all its columns
// in the header.
type Layout struct {
	Columns   map[string]string `yaml:"columns"`
	Positions map[string]int    `yaml:"positions"`
	Width     int               `yaml:"width"`
	Where     map[string]Where  `yaml:"where"`
	Match     map[string]string `yaml:"match"`
	Split     map[string]string `yaml:"split"`
	// Target lists columns of targets. The first column that is not empty counts.
	Target   []string                       `yaml:"target"`
	TargetBy map[string]map[string][]string `yaml:"target_by"`
	// MatchBy has columns as outer keys and their values as inner keys. The results are exact,
	// subtree or below.
	MatchBy map[string]map[string]string `yaml:"match_by"`
	// Plain is the match of a name without "*.". It is exact or subtree. The default is subtree.
	Plain string `yaml:"plain"`

	match, split map[string]*regexp.Regexp
	separator    map[string]string
}

// Where says what the values of a column mean for a row. Without "*" in Take, Import refuses a
// value that is not listed. With "*", a row with such a value is an order.
type Where struct {
	Take   []string `yaml:"take"`   // the row is an order
	Leave  []string `yaml:"leave"`  // the row is no order
	End    []string `yaml:"end"`    // the row ends its order
	Except []string `yaml:"except"` // the name of the row is an exception from the orders of the file
}

func (p *Preset) checkLayouts(bad badFunc) {
	if len(p.Layouts) == 0 {
		if listColumns[p.Format] == nil {
			bad("layouts", "is required for the format %s", p.Format)
			return
		}
		p.Layouts = []Layout{{}}
	}
	if len(p.Layouts) > 1 && p.Format != "table" && p.Format != "xlsx" {
		bad("layouts", "only the formats table and xlsx have several layouts")
	}
	for i := range p.Layouts {
		l := &p.Layouts[i]
		at := fmt.Sprintf("layouts[%d]", i)
		if listColumns[p.Format] != nil {
			if l.Columns != nil || l.Positions != nil {
				bad(at, "the format %s has the columns %s and takes no others", p.Format, strings.Join(listColumns[p.Format], ", "))
			}
			l.Columns = map[string]string{}
			for _, c := range listColumns[p.Format] {
				l.Columns[c] = c
			}
		}
		if (len(l.Columns) > 0) == (len(l.Positions) > 0) {
			bad(at, "must have either columns or positions")
		}
		if len(l.Positions) > 0 && (l.Width <= 0 || p.Format != "table") {
			bad(at, "positions require width, the number of columns, and the format table")
		}
		for _, name := range slices.Sorted(maps.Keys(l.Positions)) {
			if n := l.Positions[name]; n < 0 || n >= l.Width {
				bad(at+".positions."+name, "must be at least 0 and less than width, got %d", n)
			}
		}
		l.compile(p, at, bad)
	}
}

// compile checks a layout and compiles its regular expressions.
func (l *Layout) compile(p *Preset, at string, bad badFunc) {
	known := p.fileColumns()
	for c := range l.Columns {
		known[c] = true
	}
	for c := range l.Positions {
		known[c] = true
	}
	l.match, l.split, l.separator = map[string]*regexp.Regexp{}, map[string]*regexp.Regexp{}, map[string]string{}
	var captures []string
	for _, c := range slices.Sorted(maps.Keys(l.Match)) {
		re, err := regexp.Compile(l.Match[c])
		if err != nil {
			bad(at+".match."+c, "%v", err)
			continue
		}
		l.match[c] = re
		captures = append(captures, re.SubexpNames()...)
	}
	if len(l.Match) > 1 {
		bad(at+".match", "must have one column")
	}
	need := func(key, c string) {
		if !known[c] {
			bad(at+"."+key, "%q is no column of the layout", c)
		}
	}
	for _, c := range slices.Sorted(maps.Keys(l.Match)) {
		need("match", c)
	}
	for _, c := range captures {
		known[c] = true
	}
	for _, c := range slices.Sorted(maps.Keys(l.Where)) {
		need("where", c)
		w := l.Where[c]
		if len(w.Take) == 0 {
			bad(at+".where."+c, `needs take, the values of rows that are orders; "*" stands for all other values`)
		}
		seen := map[string]bool{}
		for _, v := range slices.Concat(w.Take, w.Leave, w.End, w.Except) {
			if seen[v] {
				bad(at+".where."+c, "has the value %q twice", v)
			}
			seen[v] = true
		}
	}
	for _, c := range slices.Sorted(maps.Keys(l.Split)) {
		need("split", c)
		re, err := regexp.Compile(l.Split[c])
		if err != nil {
			bad(at+".split."+c, "%v", err)
			continue
		}
		l.split[c], l.separator[c] = re, separatorIn(l.Split[c])
	}
	if len(l.Target) == 0 && len(l.TargetBy) == 0 {
		l.Target = []string{"name"}
	}
	for _, c := range l.Target {
		need("target", c)
	}
	if len(l.TargetBy) > 1 {
		bad(at+".target_by", "must have one column")
	}
	for c, by := range l.TargetBy {
		need("target_by", c)
		for _, v := range slices.Sorted(maps.Keys(by)) {
			for _, t := range by[v] {
				need("target_by."+c, t)
			}
		}
	}
	if l.Plain != "" && l.Plain != "exact" && l.Plain != "subtree" {
		bad(at+".plain", "must be exact or subtree, got %q", l.Plain)
	}
	if len(l.MatchBy) > 1 {
		bad(at+".match_by", "must have one column")
	}
	for c, by := range l.MatchBy {
		need("match_by", c)
		for _, v := range slices.Sorted(maps.Keys(by)) {
			if _, ok := matches[by[v]]; !ok {
				bad(at+".match_by."+c, "must be exact, subtree or below, got %q", by[v])
			}
		}
	}
	for _, c := range p.Group {
		need("group", c)
	}
	for _, c := range []string{"issued", "removed"} {
		if known[c] && len(p.Dates) == 0 {
			bad("dates", "is required for the column %s: the forms of the dates, written as the date 2006-01-02 would be written", c)
		}
	}
}

func separatorIn(pattern string) string {
	rest := strings.ReplaceAll(pattern, `\s*`, "")
	if text := strings.ReplaceAll(rest, `\`, ""); regexp.QuoteMeta(text) == rest {
		return text
	}
	return ""
}

func (p *Preset) fileColumns() map[string]bool {
	known := map[string]bool{}
	for c := range p.Given {
		known[c] = true
	}
	if p.firstLine != nil {
		for _, c := range p.firstLine.SubexpNames() {
			known[c] = true
		}
	}
	delete(known, "")
	return known
}
