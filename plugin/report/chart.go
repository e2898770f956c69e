package report

import (
	"fmt"
	"time"
)

// A Bar is one bar of the chart of delays.
type Bar struct {
	Label         string
	Count         int
	X, Y, Height  int
	LabelX, TextY int
}

// The limits of the bars.
var limits = []struct {
	label string
	hours float64
}{
	{"15 min", 0.25}, {"30 min", 0.5}, {"1 h", 1}, {"4 h", 4}, {"1 day", 24}, {"3 days", 72}, {"7 days", 168}, {"more", 1e18},
}

const (
	chartWidth  = 640
	chartHeight = 180
	barSpace    = chartWidth / 8
	barWidth    = barSpace - 20
	chartTop    = 24
	chartBase   = chartHeight - 30
)

// Bars returns the chart of delays. A delay begins when the order is served, and ends when the last
// node enforces the order. Nil means that no delay is known.
func (r *Report) Bars() []Bar {
	bars := make([]Bar, len(limits))
	most := 0
	for x := range r.all() {
		if x.Hours == nil || x.lift || !x.Received {
			continue
		}
		for i, l := range limits {
			if *x.Hours <= l.hours {
				bars[i].Count++
				most = max(most, bars[i].Count)
				break
			}
		}
	}
	if most == 0 {
		return nil
	}
	for i := range bars {
		b := &bars[i]
		b.Label = limits[i].label
		b.Height = b.Count * (chartBase - chartTop) / most
		b.X, b.Y = i*barSpace+(barSpace-barWidth)/2, chartBase-b.Height
		b.LabelX, b.TextY = i*barSpace+barSpace/2, b.Y-6
	}
	return bars
}

// A Line is a chart. It shows how many block orders were in force during the period.
type Line struct {
	Points string // of an SVG polyline
	Most   int
	Top    int // the position of the largest number
}

const linePoints = 160

// Line returns the chart of the block orders in force. It counts each order that is in force on at
// least one node. The result is nil if no order was in force.
func (r *Report) Line(d *Data) *Line {
	span := r.end.Sub(r.from)
	if span <= 0 {
		return nil
	}
	var numbers [linePoints + 1]int
	for x := range r.all() {
		if x.lift {
			continue
		}
		for i := range numbers {
			at := r.from.Add(span / linePoints * time.Duration(i))
			for _, n := range d.Nodes {
				if o := n.orders[x.id]; o != nil && o.enforcedAt(at) {
					numbers[i]++
					break
				}
			}
		}
	}
	most := 0
	for _, n := range numbers {
		most = max(most, n)
	}
	if most == 0 {
		return nil
	}
	l := &Line{Most: most, Top: chartTop}
	last := -1
	for i, n := range numbers {
		y := chartBase - n*(chartBase-chartTop)/most
		if last >= 0 && y != last {
			l.Points += fmt.Sprintf("%d,%d ", i*chartWidth/linePoints, last)
		}
		l.Points += fmt.Sprintf("%d,%d ", i*chartWidth/linePoints, y)
		last = y
	}
	return l
}
