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

// aheadRows is the number of rows that are handed over at once.
const aheadRows = 512

// tableLines handles the rows of a table without quotes. A second goroutine splits the next lines and
// cleans their names, because this takes half of the time.
func (r *run) tableLines(text, sep string) error {
	batches, done := make(chan []aheadRow, 2), make(chan struct{})
	layout := r.layout // the second goroutine does not use fields of r that change
	go func() {
		defer close(batches)
		batch := make([]aheadRow, 0, aheadRows)
		at := r.skipped
		for line := range strings.Lines(text) {
			at++
			if line = strings.TrimRight(line, "\r\n"); strings.TrimSpace(line) == "" {
				continue
			}
			row := aheadRow{at: at, cells: strings.Split(line, sep)}
			row.ahead = cleanAhead(layout, row.cells, r.clean)
			if batch = append(batch, row); len(batch) < aheadRows {
				continue
			}
			select {
			case batches <- batch:
			case <-done:
				return
			}
			batch = make([]aheadRow, 0, aheadRows)
		}
		select {
		case batches <- batch:
		case <-done:
		}
	}()
	var err error
	for batch := range batches {
		for i := range batch {
			r.ahead = batch[i].ahead
			if err = r.tableRow(batch[i].at, batch[i].cells); err != nil {
				break
			}
		}
		if err != nil {
			break
		}
	}
	r.ahead = nil
	close(done)
	for range batches { // wait for the goroutine
	}
	return err
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
