package register

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/dns-orders/blocklist/plugin/sheet"
)

func (r *run) readCSV(text string, separator rune) error {
	in := &rowReader{text: text}
	dec := csv.NewReader(in)
	dec.Comma, dec.FieldsPerRecord, dec.ReuseRecord = separator, -1, true
	line := 0 // the first line of the row before
	for {
		in.row = 0
		cells, err := dec.Read()
		var bad *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, errRow):
			return fmt.Errorf("the row after line %d has more than %d MiB; a quote may be missing", line+r.skipped, maxRun>>20)
		case errors.As(err, &bad):
			return fmt.Errorf("line %d: is not CSV: %w; quote: none in a preset reads quotes as ordinary characters", bad.Line+r.skipped, bad.Err)
		case err != nil:
			return err
		}
		line, _ = dec.FieldPos(0)
		if err := r.tableRow(line+r.skipped, cells); err != nil {
			return err
		}
	}
}

var errRow = errors.New("the row is too long")

type rowReader struct {
	text string
	row  int // the number of bytes that were read for the row
}

// Read implements io.Reader.
func (r *rowReader) Read(b []byte) (n int, err error) {
	switch {
	case r.text == "":
		return 0, io.EOF
	case r.row > maxRun:
		return 0, errRow
	}
	n = copy(b, r.text)
	r.text, r.row = r.text[n:], r.row+n
	return n, nil
}

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
