package sheet

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"
)

// A small XLSX file can unpack to very much text.
const (
	maxUnzipped = 128 << 20 // bytes of all parts of the file
	maxTexts    = 2 << 20   // shared texts
	// This limits the cells of all sheets. The library also stores empty cells to the left of a
	// text.
	maxArea = 4 << 20
)

// Hidden sheets are read too, because a person must decide about them.
func readXLSX(data []byte) (out []table, err error) {
	// excelize may panic on a malformed file.
	defer func() {
		if r := recover(); r != nil {
			out, err = nil, fmt.Errorf("cannot be read as XLSX: %v", r)
		}
	}()
	f, err := excelize.OpenReader(bytes.NewReader(data), excelize.Options{
		RawCellValue: true, UnzipSizeLimit: maxUnzipped, UnzipXMLSizeLimit: maxUnzipped})
	if err != nil {
		return nil, fmt.Errorf("cannot be read as XLSX: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := sound(data); err != nil {
		return nil, fmt.Errorf("cannot be read as XLSX: %w", err)
	}
	for _, name := range f.GetSheetList() {
		rows, err := f.Rows(name)
		if err != nil {
			return nil, fmt.Errorf("sheet %q: %w", name, err)
		}
		t := table{name: name}
		for rows.Next() {
			row, err := rows.Columns()
			if err != nil {
				return nil, fmt.Errorf("sheet %q, row %d: %w", name, len(t.rows)+1, err)
			}
			t.rows = append(t.rows, row)
		}
		if err := errors.Join(rows.Error(), rows.Close()); err != nil {
			return nil, fmt.Errorf("sheet %q: %w", name, err)
		}
		if len(columns([]table{t})) > 0 {
			out = append(out, t)
		}
	}
	return out, nil
}

// The library excelize hides broken XML and unreadable cells. Names would be missing.
func sound(data []byte) error {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return err
	}
	texts := 0
	for _, part := range z.File {
		if part.Name == "xl/sharedStrings.xml" {
			if err := tokens(part, func(t xml.Token) error {
				if e, ok := t.(xml.StartElement); ok && e.Name.Local == "si" {
					if texts++; texts > maxTexts {
						return fmt.Errorf("has more than %d texts", maxTexts)
					}
				}
				return nil
			}); err != nil {
				return err
			}
		}
	}
	area := 0
	for _, part := range z.File {
		if path.Ext(part.Name) != ".xml" {
			continue
		}
		c := cells{texts: texts, area: area}
		if err := tokens(part, c.token); err != nil && !errors.Is(err, errNoSheet) {
			return err
		}
		area = c.area
	}
	return nil
}

func tokens(part *zip.File, f func(xml.Token) error) error {
	r, err := part.Open()
	if err != nil {
		return fmt.Errorf("%s: %w", part.Name, err)
	}
	dec := xml.NewDecoder(r)
	for err == nil {
		var t xml.Token
		if t, err = dec.Token(); err == nil {
			err = f(t)
		}
	}
	if !errors.Is(err, io.EOF) {
		return errors.Join(fmt.Errorf("%s: %w", part.Name, err), r.Close())
	}
	if err := r.Close(); err != nil {
		return fmt.Errorf("%s: %w", part.Name, err)
	}
	return nil
}

var errNoSheet = errors.New("is no sheet")

type cells struct {
	sheet    bool // the part is a sheet
	texts    int  // the number of shared texts
	area     int  // the number of cells so far, see maxArea
	row, col int  // the position of the last row and cell, from 1
	last     int  // the column of the last cell with a text in this row
	cell
}

// A cell is the present cell.
type cell struct {
	name, kind         string
	formula, value, in bool
	inline             bool
	text               strings.Builder
}

func (c *cells) token(t xml.Token) error {
	switch t := t.(type) {
	case xml.StartElement:
		if !c.sheet && t.Name.Local != "worksheet" {
			return errNoSheet
		}
		c.sheet = true
		switch t.Name.Local {
		case "row":
			return c.startRow(t.Attr)
		case "c":
			return c.start(t.Attr)
		case "f":
			c.formula = true
		case "v":
			c.value, c.in = true, true
		case "is":
			c.inline = true
		}
	case xml.CharData:
		if c.in {
			c.text.Write(t)
		}
	case xml.EndElement:
		switch t.Name.Local {
		case "v":
			c.in = false
		case "c":
			return c.end()
		}
	}
	return nil
}

// The library excelize mixes up rows that are not in ascending order. Such rows are refused.
func (c *cells) startRow(attr []xml.Attr) error {
	row := c.row + 1
	for _, a := range attr {
		if a.Name.Local != "r" {
			continue
		}
		n, err := strconv.Atoi(a.Value)
		if err != nil || n > excelize.TotalRows {
			return fmt.Errorf("row %q is no row of a sheet", a.Value)
		}
		if n < row {
			return fmt.Errorf("row %d comes after row %d; open and save the file in a spreadsheet program", n, c.row)
		}
		row = n
	}
	c.row, c.col, c.last = row, 0, 0
	return nil
}

func (c *cells) start(attr []xml.Attr) error {
	c.cell = cell{}
	col := c.col + 1
	for _, a := range attr {
		switch a.Name.Local {
		case "r":
			c.name = a.Value
			n, row, err := excelize.CellNameToCoordinates(a.Value)
			switch {
			case err != nil || row != c.row:
				return fmt.Errorf("cell %q is no cell of row %d", a.Value, c.row)
			case n < col:
				return fmt.Errorf("cell %s comes after a cell to its right; open and save the file in a spreadsheet program", a.Value)
			}
			col = n
		case "t":
			c.kind = a.Value
		}
	}
	c.col = col
	return nil
}

func (c *cells) end() error {
	if c.value || c.inline || c.formula {
		c.area += c.col - c.last
		c.last = c.col
	}
	if c.area > maxArea {
		return fmt.Errorf("the sheets have more than %d cells up to cell %s; delete the columns and rows without names", maxArea, c.name)
	}
	return c.problem()
}

func (c *cells) problem() error {
	switch {
	case c.kind == "e":
		return fmt.Errorf("cell %s has the error %s of a formula; write the value into the cell", c.name, c.text.String())
	case c.formula && !c.value:
		return fmt.Errorf("cell %s has a formula without a result; open and save the file in a spreadsheet program", c.name)
	case c.kind == "s":
		if n, err := strconv.Atoi(strings.TrimSpace(c.text.String())); err != nil || n < 0 || n >= c.texts {
			return fmt.Errorf("cell %s refers to the shared text %q, and the file has %d", c.name, c.text.String(), c.texts)
		}
	}
	return nil
}
