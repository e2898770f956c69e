package sheet

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

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
		// Empty rows keep row numbers equal to line numbers.
		line, _ := r.FieldPos(0)
		for len(t.rows) < line-1 {
			t.rows = append(t.rows, nil)
		}
		t.rows = append(t.rows, row)
	}
}

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
