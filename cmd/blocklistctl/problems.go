package main

import (
	"fmt"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
)

// Compiled orders have no positions, so this function adds the positions to the warnings.
func atTargets(problems order.Problems, list []*order.Order) order.Problems {
	type key struct{ order, target string }
	at := map[key][]*order.Problem{}
	for i := range problems {
		if p := &problems[i]; p.Field == "targets" && p.HasGot {
			k := key{p.Order, p.Got}
			at[k] = append(at[k], p)
		}
	}
	if len(at) == 0 {
		return problems
	}
	for _, o := range list {
		for i := range o.Targets {
			t := &o.Targets[i]
			k := key{o.ID, heldText(t)}
			if waiting := at[k]; len(waiting) > 0 {
				p := waiting[0]
				p.Line, p.Column, p.Field = t.Line, t.Column, fmt.Sprintf("targets[%d]", i)
				at[k] = waiting[1:]
			}
		}
		if o.Side == nil {
			continue
		}
		for name := range o.Side.Names.All() {
			for _, p := range at[key{o.ID, name.String()}] {
				p.Field = "targets_from"
			}
		}
	}
	return problems
}

func heldText(t *order.Target) string {
	switch {
	case t.Kind == order.TargetAddress:
		return t.Attr.Address.String()
	case t.Kind == order.TargetURL:
		return "" // the guard ignores pages, because DNS does not enforce them
	}
	return t.Pattern()
}

// problemJSON is an error or a warning in JSON.
type problemJSON struct {
	File    string  `json:"file,omitempty"`
	Line    int     `json:"line,omitempty"`
	Column  int     `json:"column,omitempty"`
	Order   string  `json:"order,omitempty"`
	Field   string  `json:"field,omitempty"`
	Message string  `json:"message"`
	Got     *string `json:"got,omitempty"`
	Warning bool    `json:"warning"`
}

func problemsJSON(ps order.Problems) []problemJSON {
	out := make([]problemJSON, len(ps))
	for i, p := range ps {
		out[i] = problemJSON{p.File, p.Line, p.Column, p.Order, p.Field, p.Msg, nil, p.Warning}
		if p.HasGot {
			out[i].Got = &p.Got
		}
	}
	return out
}

func problemText(p order.Problem) string {
	p.File, p.Field, p.Msg = printable.Line(p.File), printable.Line(p.Field), printable.Line(p.Msg)
	if p.Warning {
		p.Msg = "warning: " + p.Msg
	}
	return p.Error()
}

// With --json, the function also prints the problems as JSON.
func (e *env) listProblems(problems order.Problems) {
	e.progress.clear()
	problems.Sort()
	if e.json {
		e.writeJSON(struct {
			Problems []problemJSON `json:"problems"`
		}{problemsJSON(problems)})
	}
	for _, p := range problems {
		fmt.Fprintln(e.stderr, problemText(p))
	}
}
