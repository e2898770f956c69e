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

// These limits protect the memory. A small XLSX file can unpack to very much text.
const (
	maxUnzipped = 256 << 20 // bytes of all parts of the file
	maxRows     = 2 << 20
)

// readXLSX reads all sheets that have text. It also reads hidden sheets, because a person must
// decide about them.
func readXLSX(data []byte) (out []table, err error) {
	// The library may panic on a malformed file, which must not end the program.
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
			if t.rows = append(t.rows, row); len(t.rows) > maxRows {
				return nil, fmt.Errorf("sheet %q has more than %d rows", name, maxRows)
			}
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

// sound returns an error if the XML of a sheet is cut off or has a syntax error, or if a cell has
// no text that a person sees. The library would return the rows before the error, or an empty
// cell, without an error, so names would be missing.
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
					texts++
				}
				return nil
			}); err != nil {
				return err
			}
		}
	}
	for _, part := range z.File {
		if path.Base(path.Dir(part.Name)) != "worksheets" || path.Ext(part.Name) != ".xml" {
			continue
		}
		c := cells{texts: texts}
		if err := tokens(part, c.token); err != nil {
			return err
		}
	}
	return nil
}

// tokens calls f for each token of a part of an XLSX file.
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

// A cells checks the cells of a sheet (ECMA-376, part 1, section 18.3.1.4).
type cells struct {
	texts              int // the number of shared texts
	name, kind         string
	formula, value, in bool
	text               strings.Builder
}

func (c *cells) token(t xml.Token) error {
	switch t := t.(type) {
	case xml.StartElement:
		switch t.Name.Local {
		case "c":
			*c = cells{texts: c.texts}
			for _, a := range t.Attr {
				switch a.Name.Local {
				case "r":
					c.name = a.Value
				case "t":
					c.kind = a.Value
				}
			}
		case "f":
			c.formula = true
		case "v":
			c.value, c.in = true, true
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
			return c.problem()
		}
	}
	return nil
}

// problem returns an error if a cell has no text.
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
