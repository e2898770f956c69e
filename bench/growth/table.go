package main

import (
	"fmt"
	"slices"
	"strings"
)

// table returns the report as Markdown.
func (rep *report) table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, commit %s, %s, load before %s.\n\n", rep.Date, rep.Commit, rep.Machine, rep.Load)
	for _, s := range rep.Series {
		b.WriteString(s.table() + "\n")
	}
	return b.String()
}

func (s *series) table() string {
	columns := []string{s.What, "miss, ns", "hit, ns", "heap, MB", "load, ms", "load, ms of CPU"}
	if s.Name == "blocks" {
		columns = []string{s.What, "", "", "RSS, MB", "start to first block, ms", "CPU, ms"}
	}
	var b strings.Builder
	row := func(cells []string) {
		all := []bool{true, s.Points[0].MissNS > 0, s.Points[0].HitNS > 0, true, true, true}
		for i, c := range cells {
			if all[i] {
				b.WriteString("| " + c + " ")
			}
		}
		b.WriteString("|\n")
	}
	row(columns)
	row(slices.Repeat([]string{"--:"}, len(columns)))
	for _, p := range s.Points {
		row([]string{fmt.Sprint(p.X), short(p.MissNS), short(p.HitNS), short(float64(p.Bytes) / 1e6), short(p.LoadMS), short(p.LoadCPUMS)})
	}
	return b.String()
}

func short(x float64) string {
	if x < 10 {
		return fmt.Sprintf("%.2g", x)
	}
	return fmt.Sprintf("%.0f", x)
}
