package main

import (
	"fmt"
	"path"
	"strings"
	"text/tabwriter"

	"github.com/dns-orders/blocklist/plugin/diff"
	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// listCmd is blocklistctl list.
type listCmd struct {
	Orders      []string `arg:"" optional:"" help:"Order files, directories and globs, as in the Corefile."`
	serverFlags `embed:""`
	At          string   `placeholder:"TIME" help:"The states at this time instead of now."`
	State       []string `enum:"in_force,pending,ended,lifted,held,suspended,shadow,draft" help:"Only orders in one of these states: in_force, pending, ended, lifted, held, suspended, shadow, draft."`
	Action      string   `placeholder:"ACTION" help:"Only orders of this action: block or lift."`
	Authority   string   `placeholder:"TEXT" help:"Only orders of authorities with this in their name, in any case."`
	ID          string   `name:"id" placeholder:"GLOB" help:"Only orders with such ids; * stands for anything, / included."`
	Target      string   `placeholder:"NAME" help:"Only orders that have a target at the name or above it."`
	Late        bool     `help:"Only orders that are late: past their deadline and not enforced, or served or begun after their deadline. Sealed orders are left out without --sealed."`
	Targets     bool     `help:"Print the targets too."`
	Sealed      bool     `help:"Show sealed orders' ids beside their digests, and the targets of orders that do not disclose them."`
}

// Help is the longer help.
func (*listCmd) Help() string {
	return `One line an order. Sealed orders are listed by the digest that the server's log shows, and orders whose disclosure is not full without their targets, unless --sealed is given.

Example:

  blocklistctl list /etc/coredns/orders/ --state in_force --authority milan --targets`
}

// listedJSON is one order as list writes it with --json.
type listedJSON struct {
	ID         string   `json:"id"`
	Digest     string   `json:"digest,omitempty"`
	File       string   `json:"file"`
	Line       int      `json:"line"`
	Action     string   `json:"action"`
	State      string   `json:"state"`
	Until      string   `json:"state_until,omitempty"`
	Targets    int      `json:"targets"`
	Authority  string   `json:"authority,omitempty"`
	References []string `json:"references,omitempty"`
	Scope      string   `json:"scope,omitempty"`
	Issued     string   `json:"issued,omitempty"`
	Served     string   `json:"served,omitempty"`
	Deadline   string   `json:"deadline,omitempty"`
	From       string   `json:"from,omitempty"`
	Ends       string   `json:"until,omitempty"`
	Review     string   `json:"review,omitempty"`
	Disclosure string   `json:"disclosure"`
	// Late is why the order cannot be, or have been, in force at its deadline, or why it is not
	// enforced after the deadline.
	Late       string   `json:"late,omitempty"`
	TargetList []string `json:"target_list,omitempty"`
	// Held are the targets that the guard holds. They are shown like the targets.
	Held []heldJSON `json:"held,omitempty"`
}

// Run lists.
func (c *listCmd) Run(e *env) error {
	now, err := e.moment(c.At)
	if err != nil {
		return err
	}
	keep, err := c.filter()
	if err != nil {
		return err
	}
	s, err := c.server(c.Orders)
	if err != nil {
		return err
	}
	var compiled func(*order.Order) *order.Order
	present := order.Time(e.now().Unix())
	if now < present {
		compiled = datedBefore(present)
	}
	l, err := e.mustLoad(s.Store.Patterns, s, compiled)
	if err != nil {
		return err
	}
	shown := disclosures(l.all())
	standing := l.standings(now)
	listed, held := []listedJSON{}, heldBy(l.set)
	for _, f := range l.files {
		for _, o := range f.Orders {
			if st := standing[o.ID]; keep(o, st.State.String(), shown[o.ID]) {
				x := c.one(f.Path, o, st, held[o.ID], shown[o.ID], now)
				if !c.Late || x.Late != "" {
					listed = append(listed, x)
				}
			}
		}
	}
	if e.json {
		return e.writeJSON(struct {
			At     string       `json:"at"`
			Orders []listedJSON `json:"orders"`
		}{now.String(), listed})
	}
	if compiled != nil {
		e.say("the states at %s are judged by the order files as they are now", now)
	}
	if s.Store.Shadow {
		e.say("server block %s is in shadow: no order changes an answer", s.block)
	}
	return c.print(e, l, listed)
}

// filter returns what decides which orders are listed.
func (c *listCmd) filter() (func(o *order.Order, state string, d order.Disclosure) bool, error) {
	if c.Action != "" && c.Action != "block" && c.Action != "lift" {
		return nil, misuse("--action must be block or lift, got %q", c.Action)
	}
	// path.Match stops at slashes, which ids are full of.
	flat := strings.NewReplacer("/", "\x00")
	if _, err := path.Match(flat.Replace(c.ID), ""); err != nil {
		return nil, misuse("--id: %v, got %q", err, c.ID)
	}
	var target dname.Name
	if c.Target != "" {
		var err error
		if target, err = askedName("--target", c.Target); err != nil {
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
		if d.Sealed() && !c.Sealed && (c.Authority != "" || c.ID != "" || c.Target != "") {
			return false // that it matches would tell
		}
		if !strings.Contains(strings.ToLower(o.Authority.Name), strings.ToLower(c.Authority)) {
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

// concerns reports whether an order has a target at the name or above it, or a
// page on it.
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

// hostOf returns the host of a URL, the zero Name when the URL has none that is a name.
func hostOf(page string) dname.Name {
	host, _ := order.URLHost(page)
	return host
}

func (c *listCmd) one(file string, o *order.Order, st ruleset.OrderState, held []heldJSON, d order.Disclosure, now order.Time) listedJSON {
	x := listedJSON{ID: o.ID, File: file, Line: o.Line, Action: o.Action.String(),
		State: st.State.String(), Until: until(st.Until), Targets: o.NumTargets(),
		Disclosure: d.String()}
	if d.Sealed() {
		x.Digest = sealedLabel(o.ID)
		if !c.Sealed {
			x.ID, x.File, x.Line, x.Targets = x.Digest, "", 0, 0
			return x
		}
	}
	x.Authority, x.References, x.Scope = diff.Authority(o.Authority), o.References, diff.Scope(o.Scope)
	x.Issued, x.Served, x.Deadline = o.Issued.String(), o.Served.String(), o.Deadline.String()
	x.From, x.Ends, x.Review = o.From.String(), o.Until.String(), o.Review.String()
	x.Late = lateNow(o, st, len(held), now)
	if d != order.Full && !c.Sealed {
		return x
	}
	x.Held = held
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

func (c *listCmd) print(e *env, l *orders, listed []listedJSON) error {
	e.progress.clear()
	if len(listed) == 0 {
		fmt.Fprintln(e.stdout, "no order matches")
		return nil
	}
	// The targets stand between the lines of the table, so the table is set
	// first and then taken apart. Each cell is one line without a tab.
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "STATE\tACTION\tID\tTARGETS\tISSUED\tDEADLINE\tFROM\tUNTIL\tAUTHORITY\tREFERENCES\tFILE")
	for _, x := range listed {
		fmt.Fprintln(w, strings.Join(cells(l, &x), "\t"))
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
		if x.Late != "" {
			fmt.Fprintf(e.stdout, "    late: %s\n", printable.Line(x.Late))
		}
		for _, t := range x.TargetList {
			fmt.Fprintf(e.stdout, "    %s\n", printable.Line(t))
		}
		for _, h := range x.Held {
			fmt.Fprintf(e.stdout, "    held, not enforced: %s %s\n", printable.Line(or(h.Target, "the order")), printable.Line(h.Why))
		}
	}
	return nil
}

// cells returns the line of an order, cell by cell.
func cells(l *orders, x *listedJSON) []string {
	id, targets := x.ID, fmt.Sprint(x.Targets)
	if x.Digest != "" && x.Digest != x.ID {
		id += " (" + x.Digest + ")"
	} else if x.Digest != "" {
		targets = "-"
	}
	date := func(field, text string) string { return or(l.asWritten(x.ID, field, text), "-") }
	file := "-"
	if x.File != "" {
		file = fmt.Sprintf("%s:%d", x.File, x.Line)
	}
	row := []string{x.State, x.Action, id, targets, date("issued", x.Issued), date("deadline", x.Deadline), date("from", x.From),
		date("until", x.Ends), or(x.Authority, "-"), or(references(x.References), "-"), file}
	for i := range row {
		row[i] = printable.Line(row[i])
	}
	return row
}

// references returns references as one text, each quoted when it is not printable.
func references(list []string) string {
	out := make([]string, len(list))
	for i, r := range list {
		out[i] = printable.Line(r)
	}
	return strings.Join(out, ", ")
}
