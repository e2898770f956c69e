package main

import (
	"encoding/xml"
	"fmt"
	"math"
	"strings"
)

// The colours: ink for text, ours for what is to be looked at first, peer for what
// it is compared with.
const (
	ink, pale, grid, paper   = "#1f2933", "#6b7785", "#e3e7eb", "#ffffff"
	ours, oursPale, oursBand = "#c2410c", "#f3b994", "#fff4ec"
	peer, peerPale           = "#4b6584", "#b4c2d1"
)

// canvas collects the elements of an SVG.
type canvas struct{ strings.Builder }

func newCanvas(width, height float64, title string) *canvas {
	c := &canvas{}
	fmt.Fprintf(c, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" width="%g" height="%g" font-family="Helvetica, Arial, sans-serif" font-size="12" role="img">`+"\n",
		width, height, width, height)
	fmt.Fprintf(c, "<title>%s</title>\n", escape(title))
	c.rect(0, 0, width, height, paper)
	return c
}

// done returns the picture.
func (c *canvas) done() string {
	c.WriteString("</svg>\n")
	return c.String()
}

func (c *canvas) rect(x, y, w, h float64, fill string) {
	fmt.Fprintf(c, `<rect x="%s" y="%s" width="%s" height="%s" fill="%s"/>`+"\n", at(x), at(y), at(w), at(h), fill)
}

// line draws a line; more is what else is to be said of it.
func (c *canvas) line(x1, y1, x2, y2 float64, stroke, more string) {
	fmt.Fprintf(c, `<line x1="%s" y1="%s" x2="%s" y2="%s" stroke="%s"%s/>`+"\n", at(x1), at(y1), at(x2), at(y2), stroke, more)
}

// text writes a text, with attributes such as ` text-anchor="end"`.
func (c *canvas) text(x, y float64, fill, more, text string) {
	fmt.Fprintf(c, `<text x="%s" y="%s" fill="%s"%s>%s</text>`+"\n", at(x), at(y), fill, more, escape(text))
}

const (
	toLeft = ` text-anchor="end"`
	middle = ` text-anchor="middle"`
	bold   = ` font-weight="bold"`
	small  = ` font-size="10"`
	dashed = ` stroke-dasharray="4 3"`
)

func escape(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s)) // a Builder takes everything
	return b.String()
}

// at is a coordinate, a tenth of a pixel exact.
func at(x float64) string {
	return strings.TrimSuffix(fmt.Sprintf("%.1f", x), ".0")
}

// scale maps values to pixels.
type scale struct {
	lo, hi   float64 // values
	step     float64 // between ticks; 0: powers of ten, on a logarithmic scale
	from, to float64 // pixels
}

// logScale goes from the power of ten below all values to the one above.
func logScale(from, to float64, values ...float64) scale {
	s := scale{lo: math.Inf(1), hi: math.Inf(-1), from: from, to: to}
	for _, v := range values {
		if v > 0 {
			s.lo, s.hi = min(s.lo, math.Floor(math.Log10(v))), max(s.hi, math.Ceil(math.Log10(v)))
		}
	}
	if s.lo > s.hi {
		s.lo, s.hi = 0, 0 // nothing to show
	}
	if s.lo == s.hi {
		s.hi++
	}
	s.lo, s.hi = math.Pow(10, s.lo), math.Pow(10, s.hi)
	return s
}

// linear goes from 0 to a round number not below any value, in at most five steps.
func linear(from, to float64, values ...float64) scale {
	top := 1e-9
	for _, v := range values {
		top = max(top, v)
	}
	step := math.Pow(10, math.Floor(math.Log10(top)))
	for _, of := range [...]float64{0.2, 0.5, 1, 2} {
		if top <= 5*of*step {
			step *= of
			break
		}
	}
	return scale{hi: math.Ceil(top/step) * step, step: step, from: from, to: to}
}

// at returns where a value is; what is too small for a logarithm is at the edge.
func (s scale) at(v float64) float64 {
	share := (v - s.lo) / (s.hi - s.lo)
	if s.step == 0 {
		share = math.Log10(max(v, s.lo)/s.lo) / math.Log10(s.hi/s.lo)
	}
	return s.from + share*(s.to-s.from)
}

// ticks are the values to write at an axis.
func (s scale) ticks() (out []float64) {
	if s.step == 0 {
		for e := math.Round(math.Log10(s.lo)); e <= math.Round(math.Log10(s.hi)); e++ {
			out = append(out, math.Pow(10, e))
		}
		return out
	}
	for v := 0.0; v < s.hi+s.step/2; v += s.step {
		out = append(out, v)
	}
	return out
}

// number is a figure in few characters.
func number(v float64) string {
	switch {
	case v >= 1e6:
		return trim(v/1e6) + "M"
	case v >= 1e4:
		return trim(v/1e3) + "k"
	}
	return trim(v)
}

// trim leaves three figures that count.
func trim(v float64) string {
	if v >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}
