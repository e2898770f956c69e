package main

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/dns-orders/blocklist/plugin/diff"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// diffCmd is the command "blocklistctl diff".
type diffCmd struct {
	Old         string `arg:"" help:"The old file, directory or glob."`
	New         string `arg:"" optional:"" help:"The new file, directory or glob. The default with --corefile is the ORDERS of the Corefile."`
	At          string `placeholder:"TIME" help:"Compare at this time instead of now."`
	clientFlags `embed:""`
	serverFlags `embed:""`
	ExitCode    bool `help:"Exit with 1 if the versions differ."`
	Sealed      bool `help:"Show the ids of sealed orders, and the targets that orders do not disclose."`

	disclosure    map[string]order.Disclosure
	before, after *orders // the two versions that are compared
}

// Help returns the description and the example for --help.
func (*diffCmd) Help() string {
	return `Lists the orders that were added, removed, changed or lifted, and the names that only one version blocks. Without --client and --country, the names are for a client of unknown country and address.

The exit code is 0 whether the versions differ or not, unless --exit-code is given. If a server with OLD in force would refuse NEW because of serial or max_shrink, diff prints the reason, and the exit code is 1.

Example:

  blocklistctl diff orders.yaml.old orders.yaml --at 2026-05-01`
}

// diffJSON is the JSON output of the command diff.
type diffJSON struct {
	At        string            `json:"at"`
	Client    string            `json:"client"`
	Orders    []orderDiffJSON   `json:"orders"`
	Blocked   []nameJSON        `json:"blocked"`
	Freed     []nameJSON        `json:"freed"`
	Held      []heldOfJSON      `json:"held"`
	Hidden    hiddenNames       `json:"undisclosed"`
	Different bool              `json:"different"`
	Counts    map[diff.Kind]int `json:"counts"`
	// A server with OLD in force would refuse NEW for these reasons.
	Refused []problemJSON `json:"refused"`
}

type heldOfJSON struct {
	Order string `json:"order"`
	heldJSON
}

// orderDiffJSON is an order that differs between the versions.
type orderDiffJSON struct {
	ID             string      `json:"id"`
	Kind           diff.Kind   `json:"kind"`
	Action         string      `json:"action"`
	OldState       string      `json:"old_state,omitempty"`
	NewState       string      `json:"new_state,omitempty"`
	Fields         []fieldJSON `json:"fields,omitempty"`
	TargetsAdded   []string    `json:"targets_added,omitempty"`
	TargetsRemoved []string    `json:"targets_removed,omitempty"`
	// Undisclosed is the number of targets that must not be shown.
	Undisclosed int `json:"undisclosed,omitempty"`
}

type fieldJSON struct {
	Field string `json:"field"`
	Old   string `json:"old"`
	New   string `json:"new"`
}

type nameJSON struct {
	Name   string `json:"name"`
	Extent string `json:"extent"`
	Order  string `json:"order"`
	Lift   string `json:"lift,omitempty"`
	target string // the name in the form of a target
}

// hiddenNames contains how many names must not be shown.
type hiddenNames struct {
	Blocked int `json:"blocked"`
	Freed   int `json:"freed"`
}

// Run compares the versions.
func (c *diffCmd) Run(e *env) error {
	e.sealed = c.Sealed
	var files []string
	if c.New != "" {
		files = []string{c.New}
	}
	s, err := c.server(files)
	if err != nil {
		return err
	}
	now, err := e.moment(c.At, s)
	if err != nil {
		return err
	}
	cl, err := c.client(s)
	if err != nil {
		return err
	}
	before, err := e.mustLoad([]string{c.Old}, s, nil)
	if err != nil {
		return err
	}
	after, err := e.mustLoad(s.Store.Patterns, s, nil)
	if err != nil {
		return err
	}
	c.before, c.after = before, after
	c.disclosure = disclosures(slices.Concat(before.all(), after.all()))
	from, to := diff.Version{Orders: before.all(), Set: before.set}, diff.Version{Orders: after.all(), Set: after.set}
	out := diffJSON{At: now.String(), Client: cl.Text(s.Config), Orders: []orderDiffJSON{},
		Counts: map[diff.Kind]int{diff.Added: 0, diff.Removed: 0, diff.Changed: 0, diff.Lifted: 0}}
	e.progress.say("comparing orders")
	for _, d := range diff.Orders(from, to, now) {
		out.Counts[d.Kind]++
		out.Orders = append(out.Orders, c.order(d))
	}
	e.progress.say("comparing names")
	blocked, freed := diff.Names(from, to, cl.Client, now)
	out.Different = len(out.Orders)+len(blocked)+len(freed) > 0
	out.Blocked, out.Hidden.Blocked = c.names(blocked)
	out.Freed, out.Hidden.Freed = c.names(freed)
	out.Held = c.held(before.set, after.set)
	refused := refusals(s, before, after, now)
	out.Refused = problemsJSON(refused)
	if e.json {
		err = e.writeJSON(out)
	} else {
		c.print(e, &out)
		for _, p := range refused {
			fmt.Fprintln(e.stdout, problemText(p))
		}
	}
	if err == nil && (len(refused) > 0 || out.Different && c.ExitCode) {
		return errProblems
	}
	return err
}

// order converts a difference to its JSON form.
func (c *diffCmd) order(d diff.Order) orderDiffJSON {
	out := orderDiffJSON{ID: d.Order.ID, Kind: d.Kind, Action: d.Order.Action.String(), OldState: d.OldState, NewState: d.NewState}
	for _, f := range d.Fields {
		out.Fields = append(out.Fields, fieldJSON{f.Name, f.Old, f.New})
	}
	out.TargetsAdded, out.TargetsRemoved = d.TargetsAdded, d.TargetsRemoved
	if c.Sealed {
		return out
	}
	disclosure := c.disclosure[d.Order.ID]
	if disclosure != order.Full {
		out.Undisclosed = len(d.TargetsAdded) + len(d.TargetsRemoved)
		out.TargetsAdded, out.TargetsRemoved = nil, nil
	}
	if disclosure.Sealed() {
		out.ID, out.Fields = sealedLabel(d.Order.ID), nil
	}
	return out
}

func (c *diffCmd) names(names []diff.Name) (out []nameJSON, hidden int) {
	out = []nameJSON{}
	for _, n := range names {
		if !c.Sealed && max(n.Order.Terms.Disclosure, c.disclosure[n.Order.ID]) != order.Full {
			hidden++ // a name is also secret if only the new version keeps it secret
			continue
		}
		x := nameJSON{Name: n.Name.String(), Extent: n.Match.String(), Order: n.Order.ID, target: n.String()}
		if n.Lift != nil {
			if x.Lift = n.Lift.ID; c.disclosure[x.Lift].Sealed() && !c.Sealed {
				x.Lift = sealedLabel(x.Lift)
			}
		}
		out = append(out, x)
	}
	return out, hidden
}

func (c *diffCmd) held(before, after *ruleset.Set) []heldOfJSON {
	out, was := []heldOfJSON{}, heldBy(before)
	for _, h := range after.Held() {
		x := heldJSON{h.Target, h.Why}
		if slices.Contains(was[h.Order.ID], x) || !c.Sealed && h.Order.Terms.Disclosure != order.Full {
			continue
		}
		out = append(out, heldOfJSON{h.Order.ID, x})
	}
	return out
}

// dated contains the fields that contain times.
var dated = map[string]bool{"issued": true, "served": true, "acknowledged": true, "reported": true, "deadline": true, "from": true, "until": true, "windows": true, "review": true}

// print prints the differences as text.
func (c *diffCmd) print(e *env, d *diffJSON) {
	e.progress.clear()
	w := e.stdout
	signs := map[diff.Kind]string{diff.Added: "+", diff.Removed: "-", diff.Changed: "~", diff.Lifted: "^"}
	for _, o := range d.Orders {
		noun := "order"
		if o.Action == "lift" {
			noun = "lift"
		}
		state := o.NewState
		switch {
		case o.Kind == diff.Removed:
			state = "was " + o.OldState
		case o.Kind != diff.Added && o.OldState != o.NewState:
			state = o.OldState + " -> " + o.NewState
		}
		fmt.Fprintf(w, "%s %s %q %s, %s\n", signs[o.Kind], noun, o.ID, o.Kind, state)
		for _, f := range o.Fields {
			was, is := f.Old, f.New
			if dated[f.Field] {
				was, is = c.before.asWritten(o.ID, f.Field, was), c.after.asWritten(o.ID, f.Field, is)
			}
			fmt.Fprintf(w, "    %s: %s -> %s\n", f.Field, printable.Line(cmp.Or(was, "(none)")), printable.Line(cmp.Or(is, "(none)")))
		}
		for _, t := range o.TargetsAdded {
			fmt.Fprintf(w, "    + %s\n", printable.Line(c.after.asWritten(o.ID, "", t)))
		}
		for _, t := range o.TargetsRemoved {
			fmt.Fprintf(w, "    - %s\n", printable.Line(c.before.asWritten(o.ID, "", t)))
		}
		if o.Undisclosed > 0 {
			fmt.Fprintf(w, "    %s not disclosed\n", count(o.Undisclosed, "target"))
		}
	}
	list := func(title string, names []nameJSON, hidden int) {
		if len(names)+hidden > 0 {
			fmt.Fprintf(w, "%s:\n", title)
		}
		for _, n := range names {
			by := fmt.Sprintf("order %q", n.Order)
			if n.Lift != "" {
				by += fmt.Sprintf(", lifted by %q", n.Lift)
			}
			fmt.Fprintf(w, "    %s (%s)\n", printable.Line(n.target), by)
		}
		if hidden > 0 {
			fmt.Fprintf(w, "    %s of orders that do not disclose their targets (--sealed shows the names)\n", count(hidden, "name"))
		}
	}
	list("newly blocked", d.Blocked, d.Hidden.Blocked)
	list("freed", d.Freed, d.Hidden.Freed)
	if len(d.Held) > 0 {
		fmt.Fprintln(w, "newly held, not enforced:")
	}
	for _, h := range d.Held {
		fmt.Fprintf(w, "    %s (order %q): it %s\n", printable.Line(cmp.Or(h.Target, "the order")), h.Order, printable.Line(h.Why))
	}
	fmt.Fprintf(w, "orders: %d added, %d removed, %d changed, %d lifted; names for %s at %s: %d newly blocked, %d freed\n",
		d.Counts[diff.Added], d.Counts[diff.Removed], d.Counts[diff.Changed], d.Counts[diff.Lifted], d.Client, d.At,
		len(d.Blocked)+d.Hidden.Blocked, len(d.Freed)+d.Hidden.Freed)
}
