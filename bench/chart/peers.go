package main

import (
	"fmt"
	"strings"
)

// peers is the result of the run beside the peers, as far as it is drawn.
type peers struct {
	Commit  string `json:"commit"`
	Machine string `json:"machine"`
	Date    string `json:"date"`
	Names   int    `json:"names"`
	Rows    []struct {
		Server  string   `json:"server"`
		What    string   `json:"what"`
		Base    *float64 `json:"base_cpu_us"`
		Passing *float64 `json:"passing_cpu_us"`
		Blocked *float64 `json:"blocked_cpu_us"`
		Bytes   *float64 `json:"bytes_per_name"`
		P99     *float64 `json:"reload_p99_ms"`
		Lost    *float64 `json:"lost"`
	} `json:"rows"`
}

// The goals of the project that are lengths of bars.
const (
	goalBytes = 24
	goalP99   = 5
)

// column is one measure of all servers.
type column struct {
	title, unit string
	log         bool
	goal        float64 // 0: none
	bars        [][]bar // of each row
}

type bar struct {
	value *float64
	pale  bool
	more  string // behind the value
}

// isOurs tells our row.
func isOurs(server string) bool { return strings.HasSuffix(server, "+ blocklist") }

func (p *peers) columns() []column {
	cpu := column{title: "CPU a query", unit: "µs; without a list (pale), passing, blocked"}
	memory := column{title: "Memory a name", unit: "bytes of RSS, logarithmic", log: true, goal: goalBytes}
	reload := column{title: "Worst latency in a reload", unit: "ms, p99 of 100 ms, logarithmic", log: true, goal: goalP99}
	for _, r := range p.Rows {
		lost := ""
		if r.Lost != nil && *r.Lost > 0 {
			lost = ", " + number(*r.Lost) + " lost"
		}
		cpu.bars = append(cpu.bars, []bar{{r.Base, true, ""}, {r.Passing, false, ""}, {r.Blocked, false, ""}})
		memory.bars = append(memory.bars, []bar{{r.Bytes, false, ""}})
		reload.bars = append(reload.bars, []bar{{r.P99, false, lost}})
	}
	return []column{cpu, memory, reload}
}

const (
	labelWidth, columnWidth, gap = 370.0, 230.0, 75.0
	top, rowHeight, barHeight    = 104.0, 46.0, 11.0
)

func (p *peers) svg() string {
	columns := p.columns()
	width := labelWidth + float64(len(columns))*(columnWidth+gap) + 10
	bottom := top + rowHeight*float64(len(p.Rows))
	c := newCanvas(width, bottom+36, "CPU, memory and reload latency beside other servers")
	c.text(12, 24, ink, bold+` font-size="16"`, fmt.Sprintf("%s names blocked: what it costs", number(float64(p.Names))))
	c.text(12, 42, pale, small, fmt.Sprintf("less is better; %.10s, commit %s, %s", p.Date, p.Commit, p.Machine))
	for i, r := range p.Rows {
		y := top + rowHeight*float64(i)
		weight := ""
		if isOurs(r.Server) {
			c.rect(0, y, width, rowHeight, oursBand)
			weight = bold
		}
		c.text(labelWidth-12, y+rowHeight/2-1, ink, toLeft+weight, r.Server)
		c.text(labelWidth-12, y+rowHeight/2+12, pale, toLeft+small, r.What)
	}
	for i, col := range columns {
		p.column(c, col, labelWidth+float64(i)*(columnWidth+gap), bottom)
	}
	return c.done()
}

// column draws one measure with its axis.
func (p *peers) column(c *canvas, col column, x, bottom float64) {
	var values []float64
	for _, bars := range col.bars {
		for _, b := range bars {
			if b.value != nil {
				values = append(values, *b.value)
			}
		}
	}
	s := linear(x, x+columnWidth, values...)
	if col.log {
		s = logScale(x, x+columnWidth, append(values, col.goal)...)
	}
	c.text(x, top-34, ink, bold, col.title)
	c.text(x, top-20, pale, small, col.unit)
	for _, v := range s.ticks() {
		c.line(s.at(v), top-4, s.at(v), bottom, grid, "")
		c.text(s.at(v), bottom+14, pale, small+middle, number(v))
	}
	for i, bars := range col.bars {
		y := top + rowHeight*(float64(i)+0.5) - barHeight*float64(len(bars))/2
		for _, b := range bars {
			p.bar(c, s, y, isOurs(p.Rows[i].Server), b)
			y += barHeight
		}
	}
	if col.goal > 0 {
		c.line(s.at(col.goal), top-4, s.at(col.goal), bottom, ours, dashed)
		c.text(s.at(col.goal), bottom+28, ours, small+middle, fmt.Sprintf("goal %g", col.goal))
	}
}

func (p *peers) bar(c *canvas, s scale, y float64, own bool, b bar) {
	if b.value == nil {
		c.text(s.from+4, y+barHeight-2, pale, small, "–")
		return
	}
	fill := map[[2]bool]string{{true, false}: ours, {true, true}: oursPale, {false, false}: peer, {false, true}: peerPale}[[2]bool{own, b.pale}]
	end := s.at(*b.value)
	c.rect(s.from, y, max(end-s.from, 1), barHeight-1, fill)
	c.text(end+4, y+barHeight-2, ink, small, number(*b.value)+b.more)
}
