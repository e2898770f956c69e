package register

import (
	"strings"

	"github.com/dns-orders/blocklist/plugin/importer"
	"github.com/dns-orders/blocklist/plugin/order"
)

// A cleaned is the result of importer.Clean for a text.
type cleaned struct {
	text    string
	targets []order.Target
	note    importer.Note
}

type aheadRow struct {
	at    int
	cells []string
	ahead *cleaned
}

// tableLines handles the rows of a table without quotes. A second goroutine splits the next lines and
// cleans their names, because this takes half of the time.
func (r *run) tableLines(text, sep string) error {
	layout, clean, at := r.layout, r.clean, r.skipped // the second goroutine does not use fields of r that change
	defer func() { r.ahead = nil }()
	return parallel(func(pass func(aheadRow) error) error {
		for line := range strings.Lines(text) {
			at++
			if line = strings.TrimRight(line, "\r\n"); strings.TrimSpace(line) == "" {
				continue
			}
			cells := strings.Split(line, sep)
			if err := pass(aheadRow{at, cells, cleanAhead(layout, cells, clean)}); err != nil {
				return err
			}
		}
		return nil
	}, func(row aheadRow) error {
		r.ahead = row.ahead
		return r.tableRow(row.at, row.cells)
	})
}

func cleanAhead(l *Layout, cells []string, opt importer.Options) *cleaned {
	if l == nil || l.Positions == nil || len(l.TargetBy) > 0 {
		return nil
	}
	for _, c := range l.Target {
		at, ok := l.Positions[c]
		if !ok || at >= len(cells) {
			continue
		}
		cell := tidy(cells[at])
		if cell == "" {
			continue
		}
		if re := l.split[c]; re != nil && strings.Contains(cell, l.separator[c]) {
			return nil
		}
		out := &cleaned{text: strings.TrimSpace(cell)}
		out.targets, out.note = importer.Clean(out.text, opt)
		return out
	}
	return nil
}

func (r *run) cleanName(text string) ([]order.Target, importer.Note) {
	if a := r.ahead; a != nil && a.text == text {
		r.ahead = nil // the caller may change the targets
		return a.targets, a.note
	}
	return importer.Clean(text, r.clean)
}
