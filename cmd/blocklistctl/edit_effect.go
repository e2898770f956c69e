package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/diff"
	"github.com/dns-orders/blocklist/plugin/explain"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

type editJSON struct {
	File    string          `json:"file"`
	Written bool            `json:"written"`
	Diff    []string        `json:"diff"` // the lines of a unified diff
	At      string          `json:"at"`
	Orders  []orderDiffJSON `json:"orders"`
	Effects []effectJSON    `json:"effects"`
	// Effects leaves out this number of client groups.
	NotShown int          `json:"clients_not_shown,omitempty"`
	Held     []heldOfJSON `json:"held"`
	// Warnings contains the new warnings of the command check.
	Warnings []problemJSON `json:"warnings"`
	Refused  []problemJSON `json:"refused"`
	// The change makes these signature files invalid.
	Sign   []string    `json:"sign"`
	Import *importJSON `json:"import,omitempty"`

	warnings, refused order.Problems
	at                string   // the time of the effect in the time zone of the file
	isNew             bool     // the file is new
	label             string   // the id of the changed order, or the label of a sealed order
	written           []string // the paths of the written files
}

type effectJSON struct {
	Clients []string   `json:"clients"`
	Blocked []nameJSON `json:"blocked"`
	Freed   []nameJSON `json:"freed"`
}

const maxAudiences = 16

type audience struct {
	text string
	ruleset.Client
}

func (x *editing) effect(after *orders, at order.Time) *editJSON {
	c := &diffCmd{Sealed: true, before: x.before, after: after}
	from := diff.Version{Orders: x.before.all(), Set: x.before.set}
	to := diff.Version{Orders: after.all(), Set: after.set}
	out := &editJSON{At: at.String(), at: at.StartText(zoneOf(x.file)), Diff: []string{}, Orders: []orderDiffJSON{}, Effects: []effectJSON{}, Sign: []string{}}
	var touched []*order.Order
	byID := after.byID()
	for _, d := range diff.Orders(from, to, at) {
		out.Orders = append(out.Orders, c.order(d))
		touched = append(touched, d.Order)
		for _, id := range d.Order.Lifts {
			if o := byID[id]; o != nil {
				touched = append(touched, o)
			}
		}
	}
	audiences := x.audiences(touched)
	shown := min(len(audiences), maxAudiences)
	out.NotShown = len(audiences) - shown
	for _, a := range audiences[:shown] {
		blocked, freed := diff.Names(from, to, a.Client, at)
		e := effectJSON{Clients: []string{a.text}}
		e.Blocked, _ = c.names(blocked)
		e.Freed, _ = c.names(freed)
		i := slices.IndexFunc(out.Effects, func(y effectJSON) bool {
			return reflect.DeepEqual(y.Blocked, e.Blocked) && reflect.DeepEqual(y.Freed, e.Freed)
		})
		if i < 0 {
			out.Effects = append(out.Effects, e)
		} else {
			out.Effects[i].Clients = append(out.Effects[i].Clients, a.text)
		}
	}
	out.Held = c.held(x.before.set, after.set)
	out.warnings = x.newWarnings(after)
	out.refused = refusals(x.s, x.before, after, x.now)
	out.Warnings, out.Refused = problemsJSON(out.warnings), problemsJSON(out.refused)
	return out
}

func (x *editing) audiences(touched []*order.Order) (out []audience) {
	var ccs []order.Country
	everyone := false
	add := func(a audience) {
		if !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	for _, o := range touched {
		switch s := o.Scope; {
		case s == nil && o.Lifting(): // the orders that the lift ends have the scopes
		case s == nil || s.Global:
			everyone = true
		default:
			ccs = append(ccs, s.Countries...)
			for _, n := range s.Clients {
				add(audience{"a client in " + n.String() + " of unknown country", ruleset.Client{Addr: n.Addr()}})
			}
		}
	}
	slices.Sort(ccs)
	for _, k := range explain.CountryKinds(slices.Compact(ccs), func(order.Country) bool { return true }) {
		add(audience{"a client in " + k.Text, ruleset.Client{Country: k.Country}})
	}
	if everyone || len(out) == 0 {
		a, _ := new(clientFlags).client(x.s) // without flags, there is no error
		out = slices.Insert(out, 0, audience{a.Text(x.s.Config), a.Client})
	}
	return out
}

var indexes = regexp.MustCompile(`\[\d+\]`)

func (x *editing) newWarnings(after *orders) (out order.Problems) {
	key := func(p order.Problem) string {
		return strings.Join([]string{p.File, p.Order, indexes.ReplaceAllString(p.Field, ""), p.Msg, p.Got}, "\x00")
	}
	all := func(l *orders) order.Problems { return append(l.problems.Warnings(), l.odd(x.s, x.now)...) }
	was := map[string]int{}
	for _, p := range all(x.before) {
		was[key(p)]++
	}
	for _, p := range all(after) {
		if p.Msg == needsCountry && x.s.block == nil {
			continue // the cause is an unknown Corefile, and not the change
		}
		if k := key(p); was[k] > 0 {
			was[k]--
		} else if p.Warning {
			out = append(out, p)
		}
	}
	out.Sort()
	return out
}

// These are limits for the new lines and names in the output. A list of 400 names would hide the
// other lines.
const (
	shortLines = 40
	shortNames = 10
)

func (d *editJSON) printDiff(w io.Writer, short bool) {
	for i := 0; i < len(d.Diff); i++ {
		run := i
		for short && run < len(d.Diff) && d.Diff[run][0] == '+' {
			run++
		}
		if run-i > shortLines {
			for _, line := range d.Diff[i : i+shortLines/2] {
				fmt.Fprintln(w, "+"+printable.Line(line[1:]))
			}
			fmt.Fprintf(w, "... %d more new lines\n", run-i-shortLines/2-5)
			i = run - 5
		}
		fmt.Fprintln(w, d.Diff[i][:1]+printable.Line(d.Diff[i][1:]))
	}
}

func (d *editJSON) print(e *env, short bool) {
	e.progress.clear()
	w := e.stdout
	was := d.File
	if d.isNew {
		was = os.DevNull
	}
	fmt.Fprintf(w, "--- %s\n+++ %s\n", printable.Line(was), printable.Line(d.File))
	d.printDiff(w, short)
	fmt.Fprintf(w, "\nThe effect at %s:\n", d.at)
	for _, x := range d.Effects {
		fmt.Fprintf(w, "for %s: %d newly blocked, %d freed\n", strings.Join(x.Clients, ", "), len(x.Blocked), len(x.Freed))
		for i, n := range x.Blocked {
			if short && i == shortNames {
				fmt.Fprintf(w, "    blocked: ... and %s more\n", count(len(x.Blocked)-i, "name"))
				break
			}
			fmt.Fprintf(w, "    blocked: %s (order %q)\n", printable.Line(n.target), n.Order)
		}
		for _, n := range x.Freed {
			by := ""
			if n.Lift != "" {
				by = fmt.Sprintf(", lifted by %q", n.Lift)
			}
			fmt.Fprintf(w, "    freed: %s (order %q%s)\n", printable.Line(n.target), n.Order, by)
		}
	}
	if d.NotShown > 0 {
		fmt.Fprintf(w, "the effect for %s of clients is not shown; blocklistctl diff --country or --client shows it\n", count(d.NotShown, "more group"))
	}
	for _, h := range d.Held {
		fmt.Fprintf(w, "not enforced: %s of order %q, because it %s\n", printable.Line(cmp.Or(h.Target, "the order")), h.Order, printable.Line(h.Why))
	}
	for _, p := range slices.Concat(d.warnings, d.refused) {
		fmt.Fprintln(w, problemText(p))
	}
	if !d.Written {
		d.printSign(e)
	}
}

// printWritten prints the files that were written.
func (d *editJSON) printWritten(e *env) {
	if !d.Written {
		return
	}
	d.printSign(e)
	for _, path := range d.written {
		fmt.Fprintf(e.stdout, "%s was written\n", printable.Line(path))
	}
}

func (d *editJSON) printSign(e *env) {
	for _, s := range d.Sign {
		verb := "will not be"
		if d.Written {
			verb = "is not"
		}
		fmt.Fprintf(e.stdout, "%s %s a signature of the new content; sign the file again: blocklistctl sign %s --key FILE\n", printable.Line(s), verb, printable.Line(d.File))
	}
}
