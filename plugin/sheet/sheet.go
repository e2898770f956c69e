// Package sheet reads one column of a CSV or XLSX table as text. Each row becomes one line, so line
// numbers are row numbers.
package sheet

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Is reports whether the extension of a path belongs to a table.
func Is(path string) bool {
	_, ok := readers[ext(path)]
	return ok
}

// IsText reports whether a path has the extension .csv or .tsv. Such a file may also be a plain
// list of names.
func IsText(path string) bool { return ext(path) == ".csv" || ext(path) == ".tsv" }

func ext(path string) string {
	i := strings.LastIndexByte(path, '.')
	if i < 0 {
		return ""
	}
	return strings.ToLower(path[i:])
}

var readers = map[string]func(data []byte) ([]table, error){
	".csv": readCSV, ".tsv": readCSV, ".xlsx": readXLSX, ".xlsm": readXLSX,
}

// A table is one sheet of a file.
type table struct {
	name string     // the name of the sheet, or "" for CSV
	rows [][]string // a row may be shorter than other rows
}

// A Column describes a column of a table.
type Column struct {
	Spec    string // the value for Text
	Head    string // the first cell that is not empty
	Example string // the last cell that is not empty
}

// A ColumnError means that the column does not exist, or that the caller must choose a column.
type ColumnError struct {
	Wrong   string // the column that does not exist, or ""
	Columns []Column
}

// Error returns the problem and all columns.
func (e *ColumnError) Error() string {
	s := "is a table with several columns"
	if e.Wrong != "" {
		s = fmt.Sprintf("has no column %q", e.Wrong)
	}
	for i, c := range e.Columns {
		s += []string{"; the columns are: ", ", "}[min(i, 1)] + fmt.Sprintf("%s (%q ... %q)", c.Spec, c.Head, c.Example)
	}
	return s
}

const maxHead = 20

// Text returns one column of a table as text, with one line for each row. It also returns all
// columns, separated by tabs. The column is a heading, a letter or a number, for example "B".
func Text(path string, data []byte, column string) (text, rows string, err error) {
	read := readers[ext(path)]
	if read == nil {
		return "", "", fmt.Errorf("is no table, whose name ends in .csv, .tsv or .xlsx")
	}
	tables, err := read(data)
	if err != nil {
		return "", "", err
	}
	all := columns(tables)
	if len(all) == 0 {
		return "", "", fmt.Errorf("is a table without text")
	}
	if column == "" && len(all) == 1 {
		column = all[0].Spec
	}
	for _, t := range tables {
		spec, ok := column, true
		if t.name != "" && len(tables) > 1 {
			spec, ok = strings.CutPrefix(column, t.name+"!")
		}
		if !ok || spec == "" {
			continue
		}
		if at, from, found := t.find(spec); found {
			return t.text(at, from), t.whole(), nil
		}
	}
	return "", "", &ColumnError{Wrong: column, Columns: all}
}

func (t *table) find(spec string) (at, from int, found bool) {
	place := -1
	for i := range t.width() {
		if strings.EqualFold(spec, letters(i)) || spec == strconv.Itoa(i+1) {
			place = i
		}
	}
	for i, row := range t.rows[:min(len(t.rows), maxHead)] {
		for j, cell := range row {
			if strings.EqualFold(strings.TrimSpace(cell), strings.TrimSpace(spec)) && (place < 0 || t.first(j) == i) {
				return j, i + 1, true
			}
		}
	}
	if place < 0 {
		return 0, 0, false
	}
	return place, t.below(place), true
}

func (t *table) first(at int) int {
	return slices.IndexFunc(t.rows, func(row []string) bool { return at < len(row) && strings.TrimSpace(row[at]) != "" })
}

func (t *table) below(at int) int {
	for i, row := range t.rows {
		if at < len(row) && strings.TrimSpace(row[at]) != "" {
			if strings.ContainsAny(row[at], ".-") {
				return 0
			}
			return i + 1
		}
	}
	return 0
}

// whole returns all rows, with tabs between the cells.
func (t *table) whole() string {
	var b strings.Builder
	for _, row := range t.rows {
		for i, cell := range row {
			if i > 0 {
				b.WriteByte('\t')
			}
			b.WriteString(oneLine(cell))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func oneLine(cell string) string {
	return strings.Join(strings.FieldsFunc(cell, func(r rune) bool { return r == '\n' || r == '\r' }), " ")
}

func (t *table) text(at, from int) string {
	var b strings.Builder
	for i, row := range t.rows {
		if i >= from && at < len(row) {
			b.WriteString(oneLine(row[at]))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// width returns the number of columns.
func (t *table) width() (n int) {
	for _, row := range t.rows {
		n = max(n, len(row))
	}
	return n
}

func columns(tables []table) (out []Column) {
	for _, t := range tables {
		all := make([]Column, t.width())
		for _, row := range t.rows {
			for at, cell := range row {
				if strings.TrimSpace(cell) == "" {
					continue
				}
				if all[at].Example = cell; all[at].Head == "" {
					all[at].Head = cell
				}
			}
		}
		for at, c := range all {
			if c.Head == "" {
				continue
			}
			c.Spec, c.Head, c.Example = letters(at), clip(c.Head), clip(c.Example)
			if len(tables) > 1 {
				c.Spec = t.name + "!" + c.Spec
			}
			out = append(out, c)
		}
	}
	return out
}

// clip returns the start of a cell.
func clip(s string) string {
	const most = 40
	s = strings.TrimSpace(s)
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "..."
	}
	return s
}

func letters(i int) (s string) {
	for i++; i > 0; i = (i - 1) / 26 {
		s = string(rune('A'+(i-1)%26)) + s
	}
	return s
}
