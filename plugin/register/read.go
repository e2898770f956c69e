package register

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unsafe"

	"github.com/dns-orders/blocklist/plugin/order"
)

// readers contains the reader of each format.
var readers = map[string]func(*run, string) error{
	"lines":   (*run).readLines,
	"table":   (*run).readTable,
	"json":    (*run).readJSON,
	"xml":     (*run).readXML,
	"zone":    (*run).readZone,
	"hosts":   (*run).readHosts,
	"adblock": (*run).readAdblock,
}

// read reads all rows of the file.
func (r *run) read(data []byte) error {
	if err := wrongFile(data, r.p.Format); err != nil {
		return err
	}
	if r.p.Format == "xlsx" {
		return r.readXLSX(data)
	}
	text := unsafe.String(unsafe.SliceData(data), len(data)) // a copy would need as much memory again
	if r.p.Format != "xml" {                                 // an XML file says its character set itself
		var err error
		if text, err = decode(text, r.p.Charset); err != nil {
			return err
		}
	}
	if r.p.firstLine != nil {
		line, rest, _ := strings.Cut(text, "\n")
		line = strings.TrimSpace(line)
		m := r.p.firstLine.FindStringSubmatch(line)
		if m == nil {
			return fmt.Errorf("line 1 must match %q, got %q", r.p.FirstLine, clip(line))
		}
		for i, c := range r.p.firstLine.SubexpNames() {
			if c != "" {
				r.file[c] = strings.Clone(m[i]) // a part of the text would keep the whole text in memory
			}
		}
		text, r.skipped = rest, 1
	}
	return readers[r.p.Format](r, text)
}

// Unit returns the word for a row in reports: line, row or entry.
func (p *Preset) Unit() string {
	switch p.Format {
	case "json", "zone":
		return "entry"
	case "xlsx":
		return "row"
	}
	return "line"
}

// readTable reads a table with values between separators.
func (r *run) readTable(text string) error {
	if r.p.Layouts[0].Positions != nil {
		l := &r.p.Layouts[0]
		r.use(l, l.Positions, l.Width)
	}
	sep := ","
	if r.p.Separator != "" {
		sep = r.p.Separator
	}
	if r.p.Quote == "none" {
		if err := r.tableLines(text, sep); err != nil {
			return err
		}
		return r.noLayout()
	}
	if err := r.readCSV(text, []rune(sep)[0]); err != nil {
		return err
	}
	return r.noLayout()
}

func (r *run) tableRow(at int, cells []string) error {
	if r.layout == nil {
		return r.header(cells)
	}
	if len(cells) != r.width {
		if r.p.Format == "xlsx" && len(cells) < r.width {
			cells = append(slices.Clone(cells), make([]string, r.width-len(cells))...)
		} else {
			r.refuse(at, "", strings.Join(cells, r.p.Separator), "has %s, not %d", count(len(cells), "column"), r.width)
			r.rows++
			return nil
		}
	}
	return r.row(at, cells)
}

const maxHead = 20

func (r *run) header(cells []string) error {
	if r.above++; r.above > maxHead {
		return nil
	}
	at, times := map[string]int{}, map[string]int{}
	for i, c := range cells {
		if times[tidy(c)]++; times[tidy(c)] == 1 {
			at[tidy(c)] = i
		}
	}
	if r.first == nil {
		for _, c := range cells {
			r.first = append(r.first, tidy(c))
		}
	}
	for i := range r.p.Layouts {
		l := &r.p.Layouts[i]
		index, all := map[string]int{}, len(l.Columns) > 0
		for name, head := range l.Columns {
			head, optional := strings.CutSuffix(head, "?")
			if n, ok := at[tidy(fill(head, func(c string) string { return r.file[c] }))]; ok {
				index[name] = n
			} else if !optional {
				all = false
			}
		}
		if !all {
			continue
		}
		for _, i := range slices.Sorted(maps.Values(index)) {
			if head := tidy(cells[i]); times[head] > 1 {
				return fmt.Errorf("the header has the column %q twice, so it is not known which of the columns has the values; rename one of the columns", head)
			}
		}
		r.use(l, index, len(cells))
		return nil
	}
	return nil
}

func (r *run) noLayout() error {
	if r.layout != nil {
		return nil
	}
	var want []string
	for i := range r.p.Layouts {
		l := &r.p.Layouts[i]
		var heads []string
		for _, name := range slices.Sorted(maps.Keys(l.Columns)) {
			heads = append(heads, fmt.Sprintf("%q", fill(l.Columns[name], func(c string) string { return r.file[c] })))
		}
		want = append(want, strings.Join(heads, ", "))
	}
	var got []string
	for _, c := range r.first {
		got = append(got, fmt.Sprintf("%q", clip(c)))
	}
	return fmt.Errorf("has no header with the columns %s; the first row has %s", strings.Join(want, ", or "), strings.Join(got, ", "))
}

func (r *run) list() {
	index := map[string]int{}
	for i, c := range listColumns[r.p.Format] {
		index[c] = i
	}
	r.use(&r.p.Layouts[0], index, len(index))
}

func clip(s string) string {
	const most = 120
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}

func count(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "y"):
		return fmt.Sprintf("%d %sies", n, noun[:len(noun)-1])
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Time parses a time as in an order file. The default time zone is the zone of the register.
func (p *Preset) Time(text string) (order.Time, error) { return order.ParseTime(text, p.loc) }
