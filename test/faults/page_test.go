//go:build e2e

package faults

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const page = "../../docs/reliability.md"

var writePage = flag.Bool("page", false, "write the table of this run into docs/reliability.md")

type pageRow struct {
	kinds, tries, wrong, lost, seen, due int
	recovered                            float64 // the longest time until the server recovered, in seconds
	cannot                               bool
}

// pageName returns the table row of a fault.
func pageName(fault string) string {
	if kind, _, ok := strings.Cut(fault, " in place of "); ok {
		fault = kind + ", in place of a file"
	}
	for start, name := range map[string]string{
		"a cut of ": "a file that is cut off at each of 24 places", "a good file whose name": "a good file with an odd name",
		"a bad file whose name": "a bad file with an odd name", "a forged log line in": "a forged log line in a field",
	} {
		if strings.HasPrefix(fault, start) {
			fault = name
		}
	}
	return strings.ToUpper(fault[:1]) + fault[1:]
}

// pageTable returns the rows of the table by name.
func pageTable(rows []row) map[string]*pageRow {
	table := map[string]*pageRow{}
	for _, r := range rows {
		name := pageName(r.name)
		if table[name] == nil {
			table[name] = &pageRow{}
		}
		p := table[name]
		p.kinds++
		p.tries += r.tries
		p.wrong += r.tally.wrong
		p.lost += r.tally.lost
		switch r.alarm {
		case "seen":
			p.seen++
			p.due++
		case "MISSING":
			p.due++
		}
		p.cannot = p.cannot || r.recovered == "stays"
		s, err := strconv.ParseFloat(strings.TrimSuffix(r.recovered, " s"), 64)
		if err == nil {
			p.recovered = max(p.recovered, s)
		}
	}
	return table
}

func (p *pageRow) start(name string) string {
	if p.kinds > 1 {
		name = fmt.Sprintf("%s (%d kinds)", name, p.kinds)
	}
	return fmt.Sprintf("| %s | %d |", name, p.tries)
}

// String returns the other columns.
func (p *pageRow) String() string {
	alarm, recovered := "none due", fmt.Sprintf("%.1f s", p.recovered)
	switch {
	case p.due > 0 && p.seen == p.kinds:
		alarm = "seen"
	case p.due > 0:
		alarm = fmt.Sprintf("%d of %d seen", p.seen, p.due)
	}
	if p.cannot {
		recovered = "cannot"
	}
	return fmt.Sprintf(" %d | %d | %s | %s |", p.wrong, p.lost, alarm, recovered)
}

func sortedRows(table map[string]*pageRow) []string {
	return slices.SortedFunc(maps.Keys(table), func(a, b string) int {
		return cmp.Compare(strings.ToLower(a), strings.ToLower(b))
	})
}

func updatePage(rows []row) error {
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	const head = "|---|---|---|---|---|---|\n"
	before, rest, ok := strings.Cut(string(text), head)
	_, after, end := strings.Cut(rest, "\n\n")
	if !ok || !end {
		return fmt.Errorf("%s has no table with six columns", page)
	}
	table, out := pageTable(rows), before+head
	for _, name := range sortedRows(table) {
		out += table[name].start(name) + table[name].String() + "\n"
	}
	return os.WriteFile(page, []byte(out+"\n"+after), 0o644)
}

func TestPage(t *testing.T) {
	defer func(was bool) { *many = was }(*many)
	*many = false // the page has the numbers of a run without -many
	var rows []row
	for _, f := range allFaults() {
		rows = append(rows, row{name: f.name, tries: max(f.tries, 1)})
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "|---|---|---|---|---|---|\n")
	body, after, _ := strings.Cut(rest, "\n\n")
	if strings.Contains(after, "\n| ") {
		t.Errorf("%s has a second table", page)
	}
	table := pageTable(rows)
	for line := range strings.SplitSeq(body, "\n") {
		found := false
		for name, p := range table {
			if strings.HasPrefix(line, p.start(name)) {
				found = true
				delete(table, name)
			}
		}
		if !found {
			t.Errorf("the page has a row that no fault has: %s", line)
		}
	}
	for _, name := range sortedRows(table) {
		t.Errorf("the page has no row %s", table[name].start(name))
	}
}
