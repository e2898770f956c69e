package main

import (
	"fmt"
	"strings"
)

// growth is the result of bench/growth, as far as it is drawn.
type growth struct {
	Commit  string `json:"commit"`
	Machine string `json:"machine"`
	Date    string `json:"date"`
	Series  []struct {
		Name   string `json:"name"`
		What   string `json:"what"`
		Points []struct {
			X     int     `json:"x"`
			Miss  float64 `json:"miss_ns"`
			Hit   float64 `json:"hit_ns"`
			Bytes float64 `json:"bytes"`
			Load  float64 `json:"load_cpu_ms"`
		} `json:"points"`
	} `json:"series"`
}

// panel is one field of lines, both axes logarithmic.
type panel struct {
	title, x string
	lines    []line
}

type line struct {
	name   string
	points [][2]float64
}

// panels puts the series together: those on one name share theirs.
func (g *growth) panels() (decisions, loads []panel) {
	at := map[string]int{}
	for _, s := range g.Series {
		var miss, hit, memory, load line
		for _, p := range s.Points {
			x := float64(p.X)
			miss.points = append(miss.points, [2]float64{x, p.Miss})
			hit.points = append(hit.points, [2]float64{x, p.Hit})
			memory.points = append(memory.points, [2]float64{x, p.Bytes / 1e6})
			load.points = append(load.points, [2]float64{x, p.Load})
		}
		what, kind, _ := strings.Cut(s.What, ", ")
		switch {
		case strings.HasPrefix(s.Name, "one-name"):
			i, ok := at["one-name"]
			if !ok {
				i = len(decisions)
				at["one-name"] = i
				decisions = append(decisions, panel{title: "CPU of a decision, ns", x: what})
				loads = append(loads, panel{title: "CPU of a load, ms", x: what})
			}
			kind, _, _ = strings.Cut(kind, ", ")
			hit.name, load.name = kind, kind
			decisions[i].lines = append(decisions[i].lines, hit)
			loads[i].lines = append(loads[i].lines, load)
		case s.Name == "blocks":
			what = "server blocks, all with the same file"
			memory.name, load.name = "RSS", "exec to first block"
			decisions = append(decisions, panel{"memory of the server, MB", what, []line{memory}})
			loads = append(loads, panel{"CPU of a start, ms", what, []line{load}})
		default:
			miss.name, hit.name, memory.name, load.name = "miss", "hit", "heap, MB", "load, ms"
			decisions = append(decisions, panel{"CPU of a decision, ns", s.What, []line{miss, hit}})
			loads = append(loads, panel{"CPU of a load, ms, and heap, MB", s.What, []line{load, memory}})
		}
	}
	return decisions, loads
}

const panelWidth, panelHeight = 330.0, 300.0

func (g *growth) svg() string {
	decisions, loads := g.panels()
	c := newCanvas(panelWidth*float64(len(decisions)), 2*panelHeight+56, "What grows with names, orders and server blocks")
	c.text(12, 24, ink, bold+` font-size="16"`, "What grows with names, orders and server blocks")
	c.text(12, 42, pale, small, fmt.Sprintf("both axes logarithmic: flat is flat, and what is in proportion has the slope of the dashed line; %s, commit %s, %s", g.Date, g.Commit, g.Machine))
	for i := range decisions {
		decisions[i].draw(c, panelWidth*float64(i), 56)
		loads[i].draw(c, panelWidth*float64(i), 56+panelHeight)
	}
	return c.done()
}

// colours are those of the lines of a panel.
var colours = []string{ours, peer, "#2f7d4f", "#7c4d9e", "#946200"}

func (p *panel) draw(c *canvas, left, top float64) {
	var xs, ys []float64
	for _, l := range p.lines {
		for _, pt := range l.points {
			xs, ys = append(xs, pt[0]), append(ys, pt[1])
		}
	}
	head := 34 + 13*float64(len(p.lines))
	x := logScale(left+46, left+panelWidth-20, xs...)
	y := logScale(top+panelHeight-40, top+head, ys...)
	c.text(left+12, top+18, ink, bold, p.title)
	for _, v := range x.ticks() {
		c.line(x.at(v), y.from, x.at(v), y.to, grid, "")
		c.text(x.at(v), y.from+14, pale, small+middle, number(v))
	}
	c.text((x.from+x.to)/2, y.from+28, pale, small+middle, p.x)
	for _, v := range y.ticks() {
		c.line(x.from, y.at(v), x.to, y.at(v), grid, "")
		c.text(x.from-5, y.at(v)+3, pale, small+toLeft, number(v))
	}
	// Proportion, as far as it fits: from the lower left corner.
	reach := min(x.hi/x.lo, y.hi/y.lo)
	c.line(x.at(x.lo), y.at(y.lo), x.at(x.lo*reach), y.at(y.lo*reach), pale, dashed)
	for i, l := range p.lines {
		colour := colours[i%len(colours)]
		var points []string
		for _, pt := range l.points {
			points = append(points, at(x.at(pt[0]))+","+at(y.at(pt[1])))
			fmt.Fprintf(c, `<circle cx="%s" cy="%s" r="2.5" fill="%s"/>`+"\n", at(x.at(pt[0])), at(y.at(pt[1])), colour)
		}
		fmt.Fprintf(c, `<polyline points="%s" fill="none" stroke="%s" stroke-width="1.6"/>`+"\n", strings.Join(points, " "), colour)
		last := l.points[len(l.points)-1]
		c.text(x.from+4, top+33+13*float64(i), colour, small, fmt.Sprintf("%s: %s to %s", l.name, number(l.points[0][1]), number(last[1])))
	}
}
