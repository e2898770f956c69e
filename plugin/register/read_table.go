package register

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/dns-orders/blocklist/plugin/sheet"
)

// readCSV reads a table in CSV, in which quotes surround cells with separators and line breaks.
func (r *run) readCSV(text string, separator rune) error {
	dec := csv.NewReader(strings.NewReader(text))
	dec.Comma, dec.FieldsPerRecord, dec.ReuseRecord = separator, -1, true
	for {
		cells, err := dec.Read()
		var bad *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &bad):
			return fmt.Errorf("line %d: is not CSV: %w; quote: none in a preset reads quotes as ordinary characters", bad.Line+r.skipped, bad.Err)
		case err != nil:
			return err
		}
		line, _ := dec.FieldPos(0)
		if err := r.tableRow(line+r.skipped, cells); err != nil {
			return err
		}
	}
}

// readXLSX reads a sheet of an XLSX file. Without a name in the preset, the sheet is the first
// sheet with text.
func (r *run) readXLSX(data []byte) error {
	rows, err := sheet.Rows(data, r.p.Sheet)
	if err != nil {
		return err
	}
	for i, cells := range rows {
		if strings.TrimSpace(strings.Join(cells, "")) == "" {
			continue
		}
		if err := r.tableRow(i+1, cells); err != nil {
			return err
		}
	}
	return r.noLayout()
}
