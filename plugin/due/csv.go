package due

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
)

// WriteCSV writes one line for each item (RFC 4180, UTF-8). Dates keep their time zone, because a
// conversion to UTC could change the day.
func (r *Report) WriteCSV(w io.Writer) error {
	c := csv.NewWriter(w)
	c.UseCRLF = true
	c.Write([]string{"section", "order", "action", "state", "date", "until", "field", "authority", "references", "target", "why", "did_you_mean", "file", "line", "command"})
	for _, s := range r.Sections {
		for _, it := range s.Items {
			line := ""
			if it.Line > 0 {
				line = fmt.Sprint(it.Line)
			}
			row := []string{s.Name, it.Order, it.Action, it.State, asWritten(it.at, it), asWritten(it.until, it), it.Field, it.Authority, strings.Join(it.References, "; "), it.Target,
				it.Why, strings.Join(it.DidYouMean, "; "), it.File, line, it.Command}
			for i := range row {
				row[i] = Cell(row[i])
			}
			c.Write(row)
		}
	}
	c.Flush()
	return c.Error()
}

// asWritten returns a time as in the order file.
func asWritten(t order.Time, it *Item) string {
	if it.end || t == it.until {
		return t.EndText(it.zone)
	}
	return t.StartText(it.zone)
}

// Cell returns a text that is safe in a cell of a CSV file. Spreadsheets execute texts that begin
// with =, +, - or @. Cell puts an apostrophe before these texts.
func Cell(s string) string {
	if s = printable.Line(s); s != "" && strings.ContainsRune("=+-@", rune(s[0])) {
		return "'" + s
	}
	return s
}
