package main

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"strings"

	"github.com/dns-orders/blocklist/plugin/due"
	"github.com/dns-orders/blocklist/plugin/printable"
)

func moreCells(l *orders, x *listedJSON) []string {
	date := func(field, text string) string { return cmp.Or(l.asWritten(x.ID, field, text), "-") }
	row := []string{date("served", x.Served), date("acknowledged", x.Acked), date("reported", x.Reported), date("review", x.Review), cmp.Or(x.Scope, "-")}
	for i := range row {
		row[i] = printable.Line(row[i])
	}
	return row
}

// writeCSV writes one order on each line (RFC 4180). Dates stay in the file's time zone, because
// UTC may change the day.
func (c *listCmd) writeCSV(e *env, l *orders, listed []listedJSON) error {
	e.progress.clear()
	w := csv.NewWriter(e.stdout)
	w.UseCRLF = true
	w.Write([]string{"state", "action", "id", "digest", "targets", "authority", "references", "scope", "issued", "served", "acknowledged", "reported", "deadline",
		"from", "until", "windows", "review", "disclosure", "late", "held", "target_list", "file", "line"})
	for i := range listed {
		x := &listed[i]
		date := func(field, text string) string { return l.asWritten(x.ID, field, text) }
		targets, line := "", ""
		if x.File != "" {
			targets, line = fmt.Sprint(x.Targets), fmt.Sprint(x.Line)
		}
		var held []string
		for _, h := range x.Held {
			held = append(held, cmp.Or(h.Target, "the order")+" "+h.Why)
		}
		row := []string{x.State, x.Action, x.ID, x.Digest, targets, x.Authority, strings.Join(x.References, "; "), x.Scope,
			date("issued", x.Issued), date("served", x.Served), date("acknowledged", x.Acked), date("reported", x.Reported), date("deadline", x.Deadline),
			date("from", x.From), date("until", x.Ends), x.windows, date("review", x.Review), x.Disclosure, x.Late, strings.Join(held, "; "),
			strings.Join(x.TargetList, " "), x.File, line}
		for i := range row {
			row[i] = due.Cell(row[i])
		}
		w.Write(row)
	}
	w.Flush()
	return w.Error()
}
