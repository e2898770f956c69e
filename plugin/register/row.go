package register

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/importer"
	"github.com/dns-orders/blocklist/plugin/order"
)

type state uint8

const (
	taken  state = iota // the row is an order
	ended               // the row ends an order at the time of the file's content
	except              // the name is an exception
)

// A Refused describes a refused row or a warning about a row.
type Refused struct {
	At     int    `json:"at"` // the number of the line, row or entry
	Column string `json:"column,omitempty"`
	Value  string `json:"value"`
	Why    string `json:"why"`
	Needs  string `json:"needs,omitempty"` // the key below decide in the preset that would decide
}

// refuse notes that a row makes no order.
func (r *run) refuse(at int, column, value, format string, args ...any) {
	r.out.Refused = append(r.out.Refused, Refused{at, column, strings.Clone(clip(value)), fmt.Sprintf(format, args...), ""})
}

func (r *run) use(l *Layout, index map[string]int, width int) {
	r.layout, r.width = l, width
	r.index = map[string]int{}
	r.cells, r.names, r.tests = nil, nil, nil
	for _, name := range sortedKeys(index) {
		r.index[name] = len(r.names)
		r.names, r.cells = append(r.names, name), append(r.cells, index[name])
	}
	r.vals = make([]string, len(r.names))
	for _, c := range sortedKeys(l.Where) {
		w := l.Where[c]
		t := test{column: c, at: r.at(c), values: map[string]verdict{}}
		for v, list := range map[verdict][]string{take: w.Take, leave: w.Leave, end: w.End, exempt: w.Except} {
			for _, x := range list {
				if t.any = t.any || v == take && x == others; x != others {
					t.values[x] = v
				}
			}
		}
		r.tests = append(r.tests, t)
	}
	for c, by := range l.MatchBy {
		r.matchBy, r.matchAt = by, r.at(c)
	}
	for c, by := range l.TargetBy {
		r.targetBy, r.targetAt = by, r.at(c)
	}
	for c, re := range l.match {
		r.capture, r.captureAt = re, r.at(c)
	}
	r.removedAt, r.issuedAt = r.at("removed"), r.at("issued")
}

func (r *run) at(column string) int {
	if i, ok := r.index[column]; ok {
		return i
	}
	return -1
}

func (r *run) value(column string) string {
	if v, ok := r.captured[column]; ok {
		return v
	}
	if i, ok := r.index[column]; ok {
		if i == r.issuedAt && r.issuedText != "" {
			return r.issuedText
		}
		return r.vals[i]
	}
	return r.file[column]
}

const others = "*"

type verdict uint8

const (
	take verdict = iota
	leave
	end
	exempt
)

type test struct {
	column string
	at     int
	any    bool // another value is an order
	values map[string]verdict
}

// row converts one row of the file into entries.
func (r *run) row(at int, cells []string) error {
	r.rows++
	if r.rows%4096 == 0 {
		r.step("%d rows", r.rows)
	}
	for i, from := range r.cells {
		if r.p.Format != "xml" && strings.Contains(cells[from], manyValues) { // XML cannot contain a NUL byte
			r.refuse(at, r.names[i], cells[from], "has a NUL byte")
			return nil
		}
		v := tidy(cells[from])
		if use, ok := r.correct(at, r.names[i], v); ok {
			v = tidy(use)
		}
		r.vals[i] = v
	}
	s := taken
	for i := range r.tests {
		t := &r.tests[i]
		v, text := take, ""
		if t.at >= 0 {
			text = r.vals[t.at]
		}
		var known bool
		if v, known = t.values[text]; !known && !t.any {
			r.unknown(at, t, text)
			return nil
		}
		switch v {
		case leave:
			r.out.Left[t.column+": "+text]++
			return nil
		case end:
			s = ended
		case exempt:
			s = except
		}
	}
	return r.entries(at, s)
}

func (r *run) unknown(at int, t *test, text string) {
	key := t.column + "\x00" + text
	if r.unknowns[key]++; r.unknowns[key] == 1 {
		r.problem("%s %d: the column %s has the value %q, and the preset does not say whether such a row is an order", r.p.Unit(), at, t.column, clip(text))
	}
}

func (r *run) entries(at int, s state) error {
	until := order.NoTime
	if r.removedAt >= 0 && r.vals[r.removedAt] != "" {
		day := r.date(r.vals[r.removedAt])
		if day.time == order.NoTime {
			r.refuse(at, "removed", r.vals[r.removedAt], "is not a date of the form %s", r.dateForms())
			return nil
		}
		until = day.time
	}
	targets, ok := r.targets(at)
	if !ok {
		return nil
	}
	if r.capture == nil {
		return r.decisions(at, s, targets, until)
	}
	if cell := r.vals[r.captureAt]; cell != r.lastCell { // the rows of a decision are often together
		r.lastCell, r.lastFound = strings.Clone(cell), r.capture.FindAllStringSubmatch(cell, -1)
	}
	found := r.lastFound
	if len(found) == 0 && s != taken {
		r.out.Left["a row without a decision"]++
		return nil
	}
	if len(found) == 0 {
		r.refuse(at, r.names[r.captureAt], r.vals[r.captureAt], "has no decision of the form %s", r.capture)
		return nil
	}
	for _, m := range found {
		for i, name := range r.capture.SubexpNames() {
			if name != "" {
				r.captured[name] = m[i]
			}
		}
		if err := r.decisions(at, s, targets, until); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) decisions(at int, s state, targets []order.Target, until order.Time) error {
	r.issued, r.issuedText = order.NoTime, ""
	if text := r.value("issued"); text != "" {
		day := r.date(text)
		if day.time == order.NoTime {
			r.refuse(at, "issued", text, "is not a date of the form %s", r.dateForms())
			return nil
		}
		r.issued, r.issuedText = day.start, day.text
		if _, ok := r.captured["issued"]; ok {
			r.captured["issued"] = r.issuedText
		}
	}
	for i := range targets {
		if err := r.entry(at, targets[i], until, s); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) targets(at int) (out []order.Target, ok bool) {
	columns := r.layout.Target
	if r.targetBy != nil {
		word := ""
		if r.targetAt >= 0 {
			word = r.vals[r.targetAt]
		}
		if columns, ok = r.targetBy[word]; !ok {
			columns, ok = r.targetBy[others]
		}
		if !ok {
			r.problem("%s %d: the preset does not say which column has the target of a row with the value %q", r.p.Unit(), at, clip(word))
			return nil, false
		}
	}
	for _, c := range columns {
		i := r.at(c)
		if i < 0 || r.vals[i] == "" {
			continue
		}
		r.found = r.found[:0]
		for _, text := range r.split(c, r.vals[i]) {
			if text = strings.TrimSpace(text); text == "" {
				continue
			}
			targets, note := r.cleanName(text)
			if r.note(at, c, text, &note) {
				return nil, false
			}
			if m := matches[r.layout.Plain]; r.layout.Plain != "" && !strings.Contains(text, "*.") {
				setMatch(targets, m)
			}
			r.found = append(r.found, targets...)
		}
		if len(r.found) > 0 {
			return r.found, r.covers(at, r.found)
		}
		return nil, false
	}
	if !r.wasFixed(at) {
		r.refuse(at, columns[0], "", "has no name")
	}
	return nil, false
}

func (r *run) wasFixed(at int) bool {
	n := len(r.out.Fixed)
	return n > 0 && r.out.Fixed[n-1].At == at
}

// split returns the values of a cell.
func (r *run) split(column, cell string) []string {
	if re := r.layout.split[column]; re != nil {
		if !strings.Contains(cell, r.layout.separator[column]) {
			return []string{cell}
		}
		return re.Split(cell, -1)
	}
	if !strings.Contains(cell, manyValues) {
		return []string{cell}
	}
	return strings.Split(cell, manyValues)
}

func (r *run) note(at int, column, text string, n *importer.Note) bool {
	for _, w := range n.Warnings {
		r.out.Warnings = append(r.out.Warnings, Refused{At: at, Column: column, Value: strings.Clone(clip(text)), Why: w})
	}
	switch {
	case n.Skipped:
		r.out.Left["decide: "+n.Refused]++
		return false
	case n.Refused != "":
		r.refuse(at, column, text, "%s", n.Refused)
		r.out.Refused[len(r.out.Refused)-1].Needs = string(n.Needs)
		return true
	}
	return false
}

func (r *run) covers(at int, targets []order.Target) bool {
	if r.matchBy == nil {
		return true
	}
	word := ""
	if r.matchAt >= 0 {
		word = r.vals[r.matchAt]
	}
	name, ok := r.matchBy[word]
	if !ok {
		name, ok = r.matchBy[others]
	}
	if !ok {
		r.problem("%s %d: the preset does not say which names a row with the value %q covers", r.p.Unit(), at, clip(word))
		return false
	}
	setMatch(targets, matches[name])
	return true
}

// setMatch sets the names that plain names cover.
func setMatch(targets []order.Target, m order.Match) {
	for i := range targets {
		if targets[i].Kind == order.TargetName && targets[i].Attr == nil {
			targets[i].Match = m
		}
	}
}

type date struct {
	time  order.Time // NoTime if the text is no date
	start order.Time // the start of the day
	text  string     // the day as YYYY-MM-DD
}

func (r *run) date(text string) date {
	if d, ok := r.dates[text]; ok {
		return d
	}
	d := date{time: order.NoTime}
	for _, form := range r.p.Dates {
		if x, err := time.ParseInLocation(form, text, r.p.loc); err == nil {
			d.time = order.FromTime(x)
			day := d.time.Time().In(r.p.loc)
			d.start = order.FromTime(time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, r.p.loc))
			d.text = day.Format(time.DateOnly)
			break
		}
	}
	if len(r.dates) < 1<<16 {
		r.dates[strings.Clone(text)] = d
	}
	return d
}

func (r *run) dateForms() string { return strings.Join(r.p.Dates, " or ") }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
