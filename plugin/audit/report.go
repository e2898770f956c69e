package audit

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/dns-orders/blocklist/plugin/due"
	"github.com/dns-orders/blocklist/plugin/printable"
)

// columns are the columns of the CSV output.
var columns = []string{"class", "target", "why", "changes", "order", "authority", "references", "domain", "name_servers", "soa", "alias", "addresses", "file", "line"}

// WriteCSV writes one line for each target (RFC 4180, UTF-8).
func (r *Result) WriteCSV(w io.Writer) error {
	c := csv.NewWriter(w)
	c.UseCRLF = true
	c.Write(columns)
	for i := range r.Rows {
		x := &r.Rows[i]
		record := []string{string(x.Class), x.Target, x.Why, strings.Join(x.Changes, "; "), x.Order, x.Authority, strings.Join(x.References, "; "), x.Domain,
			strings.Join(x.NameServers, " "), x.SOA, x.Alias, strings.Join(x.Addresses, " "), x.File, fmt.Sprint(x.Line)}
		for i := range record {
			record[i] = due.Cell(record[i])
		}
		c.Write(record)
	}
	c.Flush()
	return c.Error()
}

// Counts returns the number of rows of each class.
func (r *Result) Counts() map[Class]int {
	m := map[Class]int{}
	for i := range r.Rows {
		m[r.Rows[i].Class]++
	}
	return m
}

// WriteText writes the number of targets of each class. It lists findings and unknown targets. The
// last parameter limits the list of each class.
func (r *Result) WriteText(w io.Writer, most int) error {
	counts := r.Counts()
	for _, c := range Classes() {
		if counts[c] == 0 {
			continue
		}
		fmt.Fprintf(w, "%s: %d\n", c, counts[c])
		if !c.Finding() && c != Unknown {
			continue
		}
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		shown := 0
		for i := range r.Rows {
			x := &r.Rows[i]
			if x.Class != c {
				continue
			}
			if shown++; shown > most {
				break
			}
			cells := []string{"  " + x.Target, x.Order, x.Authority, x.Why}
			if c != Moved && len(x.Changes) > 0 {
				cells[3] += " (" + strings.Join(x.Changes, "; ") + ")"
			}
			for i := range cells {
				cells[i] = printable.Line(cells[i])
			}
			fmt.Fprintln(t, strings.Join(cells, "\t"))
		}
		if err := t.Flush(); err != nil {
			return err
		}
		if shown > most {
			fmt.Fprintf(w, "  and %d more (--all)\n", counts[c]-most)
		}
	}
	if len(r.Rows) == 0 {
		fmt.Fprintln(w, "no target to ask about")
	}
	return nil
}
