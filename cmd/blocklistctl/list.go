package main

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/dns-orders/blocklist/plugin/diff"
	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// listCmd is the command "blocklistctl list".
type listCmd struct {
	Orders      []string `arg:"" optional:"" help:"Order files, directories and globs, as in the Corefile."`
	serverFlags `embed:""`
	remoteFlags `embed:""`
	At          string   `placeholder:"TIME" help:"Show the states at this time instead of now."`
	State       []string `placeholder:"STATE" words:"in_force,pending,ended,lifted,held,suspended,shadow,draft" help:"Only orders in one of these states: in_force, pending, ended, lifted, held, suspended, shadow, draft."`
	Action      string   `placeholder:"ACTION" words:"block,lift" help:"Only orders with this action: block or lift."`
	Authority   string   `placeholder:"TEXT" help:"Only orders of authorities with this text in their names. Upper and lower case are equal."`
	Reference   string   `placeholder:"TEXT" help:"Only orders with this text in a reference, for example a case number. Upper and lower case are equal."`
	Digest      string   `placeholder:"DIGEST" help:"Only the order with this digest, as the log shows a sealed order: sealed:0123456789ab."`
	ID          string   `name:"id" placeholder:"GLOB" help:"Only orders with matching ids. The character * matches any text, also with slashes."`
	Target      string   `placeholder:"NAME" help:"Only orders with a target that covers the name, or with a page on this host."`
	Late        bool     `help:"Only late orders: served after their deadline, begun after their deadline, or not enforced after their deadline. Sealed orders are shown only with --sealed."`
	Targets     bool     `help:"Print the targets of each order."`
	Output      string   `short:"o" default:"table" enum:"table,wide,csv,json" placeholder:"FORMAT" help:"The format: table, wide (a table with more columns), csv or json."`
	Sealed      bool     `help:"Show the ids of sealed orders, and the targets that orders do not disclose."`
}

// Help returns the description and the example for --help.
func (*listCmd) Help() string {
	return `Prints one line for each order. Without --sealed, a sealed order is shown as the digest in the log of the server, and targets are shown only for orders with disclosure full.

Example:

  blocklistctl list /etc/coredns/orders/ --state in_force --authority milan --targets`
}

type listedJSON struct {
	ID         string       `json:"id"`
	Digest     string       `json:"digest,omitempty"`
	File       string       `json:"file"`
	Line       int          `json:"line"`
	Action     string       `json:"action"`
	State      string       `json:"state"`
	Until      string       `json:"state_until,omitempty"`
	Targets    int          `json:"targets"`
	Authority  string       `json:"authority,omitempty"`
	References []string     `json:"references,omitempty"`
	Scope      string       `json:"scope,omitempty"`
	Issued     string       `json:"issued,omitempty"`
	Served     string       `json:"served,omitempty"`
	Acked      string       `json:"acknowledged,omitempty"`
	Reported   string       `json:"reported,omitempty"`
	Deadline   string       `json:"deadline,omitempty"`
	From       string       `json:"from,omitempty"`
	Ends       string       `json:"until,omitempty"`
	Windows    []windowJSON `json:"windows,omitempty"`
	Review     string       `json:"review,omitempty"`
	Disclosure string       `json:"disclosure"`
	// This text explains why the order is late. It may be empty.
	Late       string     `json:"late,omitempty"`
	TargetList []string   `json:"target_list,omitempty"`
	Held       []heldJSON `json:"held,omitempty"`
	Lifted     int        `json:"lifted_targets,omitempty"`
	stay

	// The fields below are for the text output only.
	first, last, windows string
}

// Run lists the orders that match the flags.
func (c *listCmd) Run(e *env) error {
	e.sealed = c.Sealed
	if err := e.format(&c.Output, "table"); err != nil {
		return err
	}
	keep, err := c.filter()
	if err != nil {
		return err
	}
	if c.Server != "" {
		return c.remote(e)
	}
	c.Orders = c.obvious(e, c.Orders)
	s, err := c.server(c.Orders)
	if err != nil {
		return err
	}
	now, present, err := e.times(c.At, s)
	if err != nil {
		return err
	}
	l, err := e.mustLoad(s.Store.Patterns, s, datedBefore(now, present))
	if err != nil {
		return err
	}
	shown := disclosures(l.all())
	states := l.states(now)
	listed, held, dues := []listedJSON{}, heldBy(l.set), l.dues(now)
	for _, f := range l.files {
		for _, o := range f.Orders {
			if st := states[o.ID]; keep(o, st.State.String(), shown[o.ID]) {
				x := c.one(l, f.Path, o, st, held[o.ID], shown[o.ID], dues, now)
				if !c.Late || x.Late != "" {
					listed = append(listed, x)
				}
			}
		}
	}
	switch c.Output {
	case "csv":
		return c.writeCSV(e, l, listed)
	case "json":
		return e.writeJSON(struct {
			At     string       `json:"at"`
			Orders []listedJSON `json:"orders"`
		}{now.String(), listed})
	}
	if now < present {
		e.say("the states at %s are those of the present order files", now)
	}
	if s.Store.Shadow {
		e.say("server block %s is in shadow: no order changes an answer", s.block)
	}
	return c.print(e, l, listed)
}

func (c *listCmd) filter() (func(o *order.Order, state string, d order.Disclosure) bool, error) {
	if err := oneOf("--action", c.Action, []string{"block", "lift"}); err != nil {
		return nil, err
	}
	for _, s := range c.State {
		if err := oneOf("--state", s, stateWords()); err != nil {
			return nil, err
		}
	}
	// The * of path.Match does not match slashes, so replace the slashes.
	flat := strings.NewReplacer("/", "\x00")
	if _, err := path.Match(flat.Replace(c.ID), ""); err != nil {
		return nil, misuse("--id: %v, got %q", err, c.ID)
	}
	var target dname.Name
	if c.Target != "" {
		var err error
		if target, err = queryName("--target", c.Target); err != nil {
			return nil, err
		}
	}
	states := map[string]bool{}
	for _, s := range c.State {
		states[s] = true
	}
	return func(o *order.Order, state string, d order.Disclosure) bool {
		if len(states) > 0 && !states[state] || c.Action == "block" && o.Lifting() || c.Action == "lift" && !o.Lifting() {
			return false
		}
		if d.Sealed() && !c.Sealed && (c.Authority != "" || c.ID != "" || c.Target != "" || c.Reference != "") {
			return false // a match would disclose a part of the order
		}
		if !strings.Contains(strings.ToLower(o.Authority.Name), strings.ToLower(c.Authority)) {
			return false
		}
		if c.Digest != "" && ruleset.Digest(o.ID) != strings.TrimPrefix(c.Digest, "sealed:") {
			return false
		}
		if c.Reference != "" && !slices.ContainsFunc(allReferences(o), func(r string) bool { return strings.Contains(simple(r), simple(c.Reference)) }) {
			return false
		}
		if c.ID != "" {
			if ok, _ := path.Match(flat.Replace(c.ID), flat.Replace(o.ID)); !ok {
				return false
			}
		}
		return target.IsZero() || concerns(o, target)
	}, nil
}

func stateWords() (words []string) {
	for s := range ruleset.NumStates {
		words = append(words, ruleset.State(s).String())
	}
	return words
}

func concerns(o *order.Order, name dname.Name) bool {
	for i := range o.Targets {
		t := &o.Targets[i]
		switch {
		case t.Kind == order.TargetURL && hostOf(t.Attr.URL) == name:
			return true
		case t.Kind != order.TargetName || !t.Name.Covers(name):
		case t.Match == order.Exact && t.Name != name, t.Match == order.BelowOnly && t.Name == name:
		default:
			return true
		}
	}
	if o.Side != nil {
		for n := range o.Side.Names.All() {
			if n.Covers(name) {
				return true
			}
		}
	}
	return false
}

func hostOf(page string) dname.Name {
	host, _ := order.URLHost(page)
	return host
}

func (c *listCmd) one(l *orders, file string, o *order.Order, st ruleset.OrderState, held []heldJSON, d order.Disclosure, dues dues, now order.Time) listedJSON {
	x := listedJSON{ID: o.ID, File: file, Line: o.Line, Action: o.Action.String(),
		State: st.State.String(), Until: until(l.shownUntil(st, c.Sealed)), Targets: o.NumTargets(),
		Disclosure: d.String()}
	if d.Sealed() {
		x.Digest = sealedLabel(o.ID)
		if !c.Sealed {
			x.ID, x.File, x.Line, x.Targets, x.Until = x.Digest, "", 0, 0, ""
			return x
		}
	}
	x.Authority, x.References, x.Scope = diff.Authority(o.Authority), o.References, diff.Scope(o.Scope)
	x.Issued, x.Served, x.Deadline = o.Issued.String(), o.Served.String(), o.Deadline.String()
	x.Acked, x.Reported = o.Acknowledged.String(), o.Reported.String()
	x.From, x.Ends, x.Review = o.From.String(), o.Until.String(), o.Review.String()
	x.setWindows(o, l.zone(o.ID), now)
	x.Late = dues.lateText(o, st, len(held))
	if d != order.Full && !c.Sealed {
		return x
	}
	x.Held, x.Lifted, x.stay = held, someLifted(st, now), l.stayOf(st, c.Sealed)
	if !c.Targets {
		return x
	}
	for i := range o.Targets {
		x.TargetList = append(x.TargetList, o.Targets[i].String())
	}
	if o.Side != nil {
		for n := range o.Side.Names.All() {
			x.TargetList = append(x.TargetList, n.String())
		}
	}
	return x
}

// print prints the orders as a table.
func (c *listCmd) print(e *env, l *orders, listed []listedJSON) error {
	e.progress.clear()
	if len(listed) == 0 {
		fmt.Fprintln(e.stdout, "no order matches")
		return nil
	}
	// Format the table first, because the column widths depend on all rows.
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	head := "STATE\tACTION\tID\tTARGETS\tISSUED\tDEADLINE\tFROM\tUNTIL\tAUTHORITY\tREFERENCES\tFILE"
	if c.Output == "wide" {
		head += "\tSERVED\tACKNOWLEDGED\tREPORTED\tREVIEW\tSCOPE"
	}
	fmt.Fprintln(w, head)
	for _, x := range listed {
		row := cells(l, &x)
		if c.Output == "wide" {
			row = append(row, moreCells(l, &x)...)
		}
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n")
	for i, line := range lines {
		fmt.Fprintln(e.stdout, strings.TrimRight(line, " "))
		if i == 0 {
			continue
		}
		x := &listed[i-1]
		if x.windows != "" {
			fmt.Fprintf(e.stdout, "    windows: %s\n", x.windows)
		}
		if x.Late != "" {
			fmt.Fprintf(e.stdout, "    late: %s\n", printable.Line(x.Late))
		}
		if text := liftedText(x.State, x.Lifted, x.Targets, x.stay, l.asWritten(x.ID, "until", x.stay.End)); text != "" {
			fmt.Fprintf(e.stdout, "    lifted: %s\n", text)
		}
		for _, t := range x.TargetList {
			fmt.Fprintf(e.stdout, "    %s\n", printable.Line(t))
		}
		for _, h := range x.Held {
			fmt.Fprintf(e.stdout, "    held, not enforced: %s %s\n", printable.Line(cmp.Or(h.Target, "the order")), printable.Line(h.Why))
		}
	}
	return nil
}

func cells(l *orders, x *listedJSON) []string {
	id, targets := x.ID, fmt.Sprint(x.Targets)
	if x.Digest != "" && x.Digest != x.ID {
		id += " (" + x.Digest + ")"
	} else if x.Digest != "" {
		targets = "-"
	} else if x.Targets == 0 && x.Action == order.Lift.String() {
		targets = "all" // the lift ends whole orders
	}
	date := func(field, text string) string { return cmp.Or(l.asWritten(x.ID, field, text), "-") }
	file := "-"
	if x.File != "" {
		file = fmt.Sprintf("%s:%d", x.File, x.Line)
	}
	row := []string{x.State, x.Action, id, targets, date("issued", x.Issued), date("deadline", x.Deadline), cmp.Or(x.first, "-"),
		cmp.Or(x.last, "-"), cmp.Or(x.Authority, "-"), cmp.Or(references(x.References), "-"), file}
	for i := range row {
		row[i] = printable.Line(row[i])
	}
	return row
}
