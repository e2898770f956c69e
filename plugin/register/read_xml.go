package register

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

const manyValues = "\x00"

// A part after @ is an XML attribute, for example in decision/@date.
type path struct {
	parts    string // separated by slashes
	many     bool   // the entry may have several values
	optional bool   // the file may have no value
}

func parsePath(s string) path {
	p := path{parts: s}
	for {
		if cut, ok := strings.CutSuffix(p.parts, "?"); ok {
			p.parts, p.optional = cut, true
		} else if cut, ok := strings.CutSuffix(p.parts, "*"); ok {
			p.parts, p.many = cut, true
		} else {
			return p
		}
	}
}

// A rowFunc gets one row of the file. The caller may use the memory of the cells again.
type rowFunc func(at int, cells []string) error

type entryCells struct {
	columns []string // in the sequence of cells
	paths   []path
	seen    []bool // the file has a value for the column
	cells   []string
	set     []bool // the entry has a value for the column
	twice   string // a column for which the entry has several values, and the path allows one value
}

func (r *run) entryColumns() *entryCells {
	l := &r.p.Layouts[0]
	e := &entryCells{}
	index := map[string]int{}
	for _, name := range sortedKeys(l.Columns) {
		index[name] = len(e.columns)
		e.columns, e.paths = append(e.columns, name), append(e.paths, parsePath(l.Columns[name]))
	}
	n := len(e.columns)
	e.seen, e.cells, e.set = make([]bool, n), make([]string, n), make([]bool, n)
	r.use(l, index, n)
	return e
}

func (e *entryCells) reset() {
	clear(e.cells)
	clear(e.set)
	e.twice = ""
}

func (e *entryCells) add(parts, value string) {
	for i := range e.paths {
		if e.paths[i].parts != parts {
			continue
		}
		e.seen[i] = true
		switch {
		case !e.set[i]:
			e.cells[i], e.set[i] = value, true
		case e.paths[i].many:
			e.cells[i] += manyValues + value
		default:
			e.twice = e.columns[i]
		}
	}
}

// emit passes the entry on to the function "row".
func (e *entryCells) emit(r *run, at int, row rowFunc) error {
	if e.twice != "" {
		return fmt.Errorf("%s %d has several values for the column %s; a * after the path in the preset allows several values", r.p.Unit(), at, e.twice)
	}
	return row(at, e.cells)
}

func (e *entryCells) check(r *run) error {
	if r.rows == 0 {
		return fmt.Errorf("has no entry %s", r.p.Record)
	}
	for i, ok := range e.seen {
		if !ok && !e.paths[i].optional {
			return fmt.Errorf("has no value for the column %s (%s) in any entry; the layout of the register may have changed", e.columns[i], e.paths[i].parts)
		}
	}
	return nil
}

// Paths have no namespace prefixes.
func (r *run) readXML(text string) error {
	e := r.entryColumns()
	type entry struct {
		at    int
		cells []string
	}
	err := parallel(func(pass func(entry) error) error {
		return r.entriesXML(e, text, func(at int, cells []string) error { return pass(entry{at, slices.Clone(cells)}) })
	}, func(x entry) error { return r.row(x.at, x.cells) })
	if err != nil {
		return err
	}
	return e.check(r)
}

func (r *run) entriesXML(e *entryCells, text string, row rowFunc) error {
	record := strings.Split(strings.Trim(r.p.Record, "/"), "/")
	dec := xml.NewDecoder(strings.NewReader(text))
	dec.CharsetReader = func(label string, in io.Reader) (io.Reader, error) {
		set, err := charset(label)
		if err != nil || set == nil {
			return in, err
		}
		return set.NewDecoder().Reader(in), nil
	}
	var stack []string
	var inside string // the path in the entry
	var content strings.Builder
	start, roots := 0, 0
	for {
		t, err := dec.Token()
		line, _ := dec.InputPos()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("line %d: is not XML, or the file is cut off: %s", line, clip(err.Error()))
		}
		switch t := t.(type) {
		case xml.StartElement:
			stack = append(stack, t.Name.Local)
			if len(stack) == 1 {
				if roots++; roots > 1 {
					return fmt.Errorf("line %d: is not XML: the file has a second root element", line)
				}
				if err := r.root(t); err != nil {
					return err
				}
			}
			if !slices.Equal(stack[:min(len(stack), len(record))], record) {
				continue
			}
			if len(stack) == len(record) {
				e.reset()
				start, inside = line, ""
			} else {
				inside = strings.Join(stack[len(record):], "/")
			}
			for _, a := range t.Attr {
				e.add(strings.TrimPrefix(inside+"/@"+a.Name.Local, "/"), a.Value)
			}
			content.Reset()
		case xml.CharData:
			if len(stack) == 0 && strings.TrimSpace(strings.TrimPrefix(string(t), "\uFEFF")) != "" {
				return fmt.Errorf("line %d: is not XML: the file has text outside its root element", line)
			}
			content.Write(t)
		case xml.EndElement:
			if len(stack) >= len(record) && slices.Equal(stack[:len(record)], record) {
				if len(stack) == len(record) {
					if err := e.emit(r, start, row); err != nil {
						return err
					}
				} else {
					e.add(strings.Join(stack[len(record):], "/"), content.String())
				}
			}
			content.Reset()
			stack = stack[:len(stack)-1]
		}
	}
}

func (r *run) root(t xml.StartElement) error {
	if r.p.Namespace != "" && t.Name.Space != r.p.Namespace {
		return fmt.Errorf("the root element has the namespace %q, not %q", clip(t.Name.Space), r.p.Namespace)
	}
	for _, a := range t.Attr {
		if r.p.AsOf.Attribute != "" && a.Name.Local == r.p.AsOf.Attribute {
			r.file["as_of"] = a.Value
		}
	}
	return nil
}
