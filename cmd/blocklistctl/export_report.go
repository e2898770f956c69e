package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/export"
)

// exportJSON is the result of the command export.
type exportJSON struct {
	Form       string              `json:"form"`
	Country    string              `json:"country"`
	At         string              `json:"at"`
	Digest     string              `json:"digest,omitempty"`
	Orders     int                 `json:"orders"`
	Names      int                 `json:"names"`
	Lines      int                 `json:"lines"`
	NextChange string              `json:"next_change,omitempty"`
	LeftOut    []leftJSON          `json:"left_out"`
	Changed    []exportProblemJSON `json:"cannot_say"`
	Text       string              `json:"text,omitempty"`
}

type leftJSON struct {
	What  string `json:"what"`
	Count int    `json:"count"`
}

type exportProblemJSON struct {
	Name string `json:"name,omitempty"`
	Why  string `json:"why"`
}

func (c *exportCmd) json(x exported, now time.Time) exportJSON {
	out := exportJSON{Form: c.Form, Country: strings.ToUpper(c.Country), At: x.at.String(), Digest: x.Digest, Orders: x.Counts.InForce,
		Names: x.Names, Lines: x.Lines, NextChange: until(x.Until), LeftOut: []leftJSON{}, Changed: []exportProblemJSON{}}
	for _, l := range x.Counts.LeftOut() {
		out.LeftOut = append(out.LeftOut, leftJSON{l.What, l.N})
	}
	for _, p := range x.Problems {
		out.Changed = append(out.Changed, exportProblemJSON(p))
	}
	if c.Out == "" && x.Body != nil {
		out.Text = string(c.header(x, now)) + string(x.Body)
	}
	return out
}

// A problemGroup contains the names with one problem.
type problemGroup struct {
	why   string
	n     int
	names []string
}

func groupProblems(problems []export.Problem) (out []*problemGroup) {
	of := map[string]*problemGroup{}
	for _, p := range problems {
		g := of[p.Why]
		if g == nil {
			g = &problemGroup{why: p.Why}
			of[p.Why] = g
			out = append(out, g)
		}
		g.n++
		if p.Name != "" {
			g.names = append(g.names, p.Name)
		}
	}
	return out
}

func (g *problemGroup) count() string {
	if len(g.names) == 0 {
		return count(g.n, "order")
	}
	return count(g.n, "name")
}

const maxExportNames = 20

func (c *exportCmd) report(e *env, x exported) {
	for _, l := range x.Counts.LeftOut() {
		fmt.Fprintf(e.stderr, "left out: %s\n", countLeft(l))
	}
	for _, g := range groupProblems(x.Problems) {
		fmt.Fprintf(e.stderr, "%s: %s\n", g.count(), g.why)
		for i, n := range g.names {
			if i == maxExportNames {
				fmt.Fprintf(e.stderr, "  and %s more (--json lists all of them)\n", count(len(g.names)-i, "name"))
				break
			}
			fmt.Fprintf(e.stderr, "  %s\n", n)
		}
	}
	switch {
	case x.Body != nil:
	case c.Approximate == "":
		fmt.Fprintf(e.stderr, "%s cannot say these answers; nothing is written (--approximate wider, narrower or leave-out changes or leaves out the answers)\n", c.Form)
	default:
		fmt.Fprintln(e.stderr, "nothing is written")
	}
}
