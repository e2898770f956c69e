package sheet

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

// readCSV reads a table. The separator is a comma, a semicolon, a tab or the character "|".
func readCSV(data []byte) ([]table, error) {
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	r := csv.NewReader(bytes.NewReader(data))
	r.Comma, r.FieldsPerRecord = separator(data), -1
	var t table
	for {
		row, err := r.Read()
		var bad *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return []table{t}, nil
		case errors.As(err, &bad):
			return nil, fmt.Errorf("line %d, column %d: is not CSV: %w", bad.Line, bad.Column, bad.Err)
		case err != nil:
			return nil, err
		}
		// Insert empty rows for blank lines and for line breaks in cells, so that row numbers are
		// line numbers.
		line, _ := r.FieldPos(0)
		for len(t.rows) < line-1 {
			t.rows = append(t.rows, nil)
		}
		t.rows = append(t.rows, row)
	}
}

// separator returns the separator of a table. It chooses the character that occurs in most of the
// first lines.
func separator(data []byte) rune {
	best, most := ',', 0
	for _, c := range ",;\t|" {
		n, lines := 0, 0
		for line := range strings.Lines(string(data[:min(len(data), 16<<10)])) {
			if strings.ContainsRune(line, c) {
				n++
			}
			if lines++; lines == maxHead {
				break
			}
		}
		if n > most {
			best, most = c, n
		}
	}
	return best
}
