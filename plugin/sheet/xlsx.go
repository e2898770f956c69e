package sheet

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
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
	if err := wellFormed(data); err != nil {
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

// wellFormed returns an error if the XML of a sheet is cut off or has a syntax error. The
// library would return the rows before the error without an error, so names would be missing.
func wellFormed(data []byte) error {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return err
	}
	for _, part := range z.File {
		if !strings.HasPrefix(part.Name, "xl/worksheets/") || !strings.HasSuffix(part.Name, ".xml") {
			continue
		}
		r, err := part.Open()
		if err != nil {
			return fmt.Errorf("%s: %w", part.Name, err)
		}
		dec := xml.NewDecoder(r)
		for err == nil {
			_, err = dec.Token()
		}
		if !errors.Is(err, io.EOF) {
			return errors.Join(fmt.Errorf("%s: %w", part.Name, err), r.Close())
		}
		if err := r.Close(); err != nil {
			return fmt.Errorf("%s: %w", part.Name, err)
		}
	}
	return nil
}
