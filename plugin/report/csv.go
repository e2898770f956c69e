package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/due"
)

// columns are the columns of the CSV form.
var columns = []string{"order", "sealed", "action", "authority", "country", "kind", "references", "category", "file", "issued", "served", "acknowledged", "deadline",
	"in_force_first", "in_force_last", "at_latest", "nodes_in_force", "nodes_known", "hours", "on_time", "reported", "state", "ended", "by", "targets", "answers_changed", "nodes", "state_by_files"}

// WriteCSV writes one line for each order (RFC 4180, UTF-8). Dates of the order file are
// unchanged. Times of the journals have an offset.
func (r *Report) WriteCSV(w io.Writer) error {
	c := csv.NewWriter(w)
	c.UseCRLF = true
	c.Write(columns)
	for x := range r.Orders() {
		row := make([]string, len(columns))
		row[0], row[1], row[2], row[21] = x.Order, yes(x.Sealed), x.Action, x.State
		if !x.hidden {
			date := r.dates(x)
			row = []string{x.Order, yes(x.Sealed), x.Action, x.Authority, x.Country, x.Kind, strings.Join(x.References, "; "), x.Category, x.File,
				date.issued, date.served, date.acknowledged, date.deadline, r.cellTime(x.first), r.cellTime(x.last), yes(x.AtLatest), x.nodesInForce(), fmt.Sprint(x.Known),
				number(x.Hours), x.OnTime, date.reported, x.State, r.cellTime(x.ended), x.By, targetCount(x), optional(x.Answers), strings.Join(r.nodeTexts(x), "; "), x.ByFiles}
		}
		for i := range row {
			row[i] = due.Cell(row[i])
		}
		c.Write(row)
	}
	c.Flush()
	return c.Error()
}

func (x *Row) nodesInForce() string {
	if x.Known == 0 {
		return ""
	}
	return fmt.Sprint(x.InForce)
}

func optional(n *uint64) string {
	if n == nil {
		return ""
	}
	return fmt.Sprint(*n)
}

type dateTexts struct{ issued, served, acknowledged, deadline, reported string }

func (r *Report) dates(x *Row) (d dateTexts) {
	if f := x.f; f != nil {
		d = dateTexts{f.Issued.StartText(f.zone), f.Served.StartText(f.zone), f.Acknowledged.StartText(f.zone), f.Deadline.EndText(f.zone), f.Reported.StartText(f.zone)}
	}
	return d
}

func forPeople(date string) string {
	if t, err := time.Parse(time.RFC3339, date); err == nil {
		return t.Format(timeFormat)
	}
	return date
}

func (r *Report) nodeTexts(x *Row) (parts []string) {
	for _, y := range x.Nodes {
		s := y.Node + " "
		switch {
		case y.inForce.IsZero():
			s += "never, " + y.State
		case y.AtLatest:
			s += "since its journal began, " + r.time(y.inForce)
		default:
			s += r.time(y.inForce)
		}
		if !y.until.IsZero() {
			s += " until " + r.time(y.until) + ", " + y.State
		}
		parts = append(parts, s)
	}
	return parts
}

func (r *Report) cellTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(r.zone).Format(time.RFC3339)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

func number(f *float64) string {
	if f == nil {
		return ""
	}
	return strconv.FormatFloat(float64(int64(*f*100+0.5))/100, 'f', -1, 64)
}

func targetCount(x *Row) string {
	if x.f == nil {
		return ""
	}
	return fmt.Sprint(x.Targets)
}
