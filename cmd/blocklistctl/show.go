package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/diff"
	"github.com/dns-orders/blocklist/plugin/lint"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// showCmd is the command "blocklistctl show".
type showCmd struct {
	Subject     string   `arg:"" name:"id|reference|name" help:"The id of an order, a reference such as a case number, a name or a URL. It may also be behind ORDERS."`
	Orders      []string `arg:"" optional:"" help:"Order files, directories and globs, as in the Corefile."`
	serverFlags `embed:""`
	remoteFlags `embed:""`
	At          string `placeholder:"TIME" help:"Show the state at this time instead of now."`
	All         bool   `help:"Show all targets. The default is 20."`
	Sealed      bool   `help:"Show sealed orders, and the targets that orders do not disclose."`
}

// Help returns the description and the example for --help.
func (*showCmd) Help() string {
	return `Shows each order that matches: its file and line, its state, all fields with the values of its authority and of the defaults, its targets, the lifts that end it, and the targets that the guard holds. An id matches exactly; without an order of this id, a reference and then a name are looked for. With --server, it shows what the status of a server has about the order. The exit code is 1 if no order matches.

Example:

  blocklistctl show milan/2026-17 /etc/coredns/orders/
  blocklistctl show "RG 4410/2026" --corefile /etc/coredns/Corefile
  blocklistctl show milan/2026-17 --server http://127.0.0.1:9253`
}

const (
	shownTargets = 20
	shownOrders  = 5
)

type shownJSON struct {
	ID         string            `json:"id"`
	Digest     string            `json:"digest,omitempty"`
	File       string            `json:"file,omitempty"`
	Line       int               `json:"line,omitempty"`
	Action     string            `json:"action"`
	State      string            `json:"state"`
	Until      string            `json:"state_until,omitempty"`
	Late       string            `json:"late,omitempty"`
	Fields     map[string]string `json:"fields,omitempty"`
	Targets    int               `json:"targets"`
	TargetList []string          `json:"target_list,omitempty"`
	Held       []heldJSON        `json:"held,omitempty"`
	Lifted     int               `json:"lifted_targets,omitempty"` // see listedJSON
	stay
	LiftedBy []linkJSON `json:"lifted_by,omitempty"`
	Lifts    []linkJSON `json:"lifts,omitempty"`

	about     string
	fields    [][2]string // the fields in their sequence
	stated    int         // the number of names that the decision states, or 0
	remaining int         // the number of targets without the corrected names
	hidden    bool        // the order is sealed, and --sealed is not given
	secret    bool        // the order does not disclose its targets, and --sealed is not given
}

// A linkJSON connects an order with a lift that ends the order.
type linkJSON struct {
	Order   string `json:"order"`
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	State   string `json:"state"`
	From    string `json:"from,omitempty"`
	Until   string `json:"until,omitempty"`
	Target  string `json:"target,omitempty"`
	Targets int    `json:"targets,omitempty"`
}

// Run shows the orders that match.
func (c *showCmd) Run(e *env) error {
	e.sealed = c.Sealed
	args := append([]string{c.Subject}, c.Orders...)
	if err := c.misplaced(args); err != nil {
		return err
	}
	subject, files := nameAndOrders(args)
	if c.Server != "" {
		return c.remote(e, subject, files)
	}
	files = c.obvious(e, files)
	s, err := c.server(files)
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
	e.progress.say("searching")
	x := &shower{showCmd: c, l: l, now: now, disclosure: disclosures(l.all()), held: heldBy(l.set), corrected: lint.FindCorrections(slices.Values(l.all()))}
	found, near := x.matches(subject)
	if len(found) == 0 {
		msg := fmt.Sprintf("no order has the id, the reference or the name %q", subject)
		if len(x.disclosure) > 0 && !c.Sealed {
			// The message is the same with and without sealed orders, so it reveals nothing.
			msg += " (orders that do not disclose their names are searched for a name only with --sealed)"
		}
		if near != "" {
			msg += fmt.Sprintf("; did you mean %q?", near)
		} else {
			msg += "; blocklistctl list shows the orders"
		}
		return fmt.Errorf("%s", msg)
	}
	x.states, x.dues = l.states(now), l.dues(now)
	shown := []shownJSON{}
	for i, o := range found {
		shown = append(shown, x.one(o, e.json || i < shownOrders || c.All))
	}
	if e.json {
		return e.writeJSON(struct {
			At     string      `json:"at"`
			Orders []shownJSON `json:"orders"`
		}{now.String(), shown})
	}
	e.progress.clear()
	if s.Store.Shadow {
		e.say("server block %s is in shadow: no order changes an answer", s.block)
	}
	x.print(e, shown)
	return nil
}

func (c *showCmd) misplaced(args []string) error {
	var words, files []string
	for _, arg := range args {
		if likeOrders(arg) {
			files = append(files, shellWord(arg))
		} else {
			words = append(words, arg)
		}
	}
	all := strings.Join(files, " ")
	switch {
	case len(words) == 0 && c.Server == "" && !slices.ContainsFunc(args, func(arg string) bool { return !orderFile(arg) }):
		return misuse("the id of an order, its number or a name is missing, got only %s; blocklistctl list %s shows the ids", all, all)
	case len(words) > 1:
		text := strings.Join(words, " ")
		return misuse("show has one id, number or name, and there is no file %q; write a text with blanks in quotes: %s", words[1], strings.TrimSpace("blocklistctl show "+shellWord(text)+" "+all))
	}
	return nil
}

// An order id can be the path of a directory, so only a regular file counts.
func orderFile(arg string) bool {
	info, err := os.Stat(arg)
	return err == nil && info.Mode().IsRegular() && slices.Contains(order.Extensions, order.Ext(arg))
}

// A shower writes orders for the command show.
type shower struct {
	*showCmd
	l          *orders
	now        order.Time
	disclosure map[string]order.Disclosure
	held       map[string][]heldJSON
	states     map[string]ruleset.OrderState
	corrected  lint.Corrections
	dues       dues
}

func (x *shower) hidden(o *order.Order) bool { return x.disclosure[o.ID].Sealed() && !x.Sealed }

func (x *shower) label(o *order.Order) string {
	if x.hidden(o) {
		return sealedLabel(o.ID)
	}
	return o.ID
}

func (x *shower) one(o *order.Order, links bool) shownJSON {
	st := x.states[o.ID]
	out := shownJSON{ID: o.ID, Action: o.Action.String(), State: st.State.String(), Until: until(x.l.shownUntil(st, x.Sealed))}
	if x.disclosure[o.ID].Sealed() {
		out.Digest = sealedLabel(o.ID)
	}
	if x.hidden(o) {
		out.ID, out.Until, out.hidden = out.Digest, "", true
		return out
	}
	out.about = diff.Authority(o.Authority)
	out.secret = x.disclosure[o.ID] != order.Full && !x.Sealed
	out.File, out.Line, out.Targets = x.l.position(o.ID).path, o.Line, o.NumTargets()
	out.stated, out.remaining = o.StatedCount, x.corrected.Remaining(o)
	out.Late = x.dues.lateText(o, st, len(x.held[o.ID]))
	out.Fields = map[string]string{}
	for name, text := range diff.Texts(o) {
		if out.secret && (name == "except" || name == "force") {
			continue // the names are as secret as the targets
		}
		out.Fields[name] = text
		out.fields = append(out.fields, [2]string{name, text})
	}
	if !out.secret {
		out.TargetList, out.Held, out.Lifted, out.stay = x.targets(o), x.held[o.ID], someLifted(st, x.now), x.l.stayOf(st, x.Sealed)
	}
	if links {
		x.links(o, &out)
	}
	return out
}

func (x *shower) targets(o *order.Order) (list []string) {
	most := shownTargets
	if x.All {
		most = o.NumTargets()
	}
	for i := range o.Targets {
		if len(list) == most {
			return list
		}
		list = append(list, targetText(&o.Targets[i]))
	}
	if o.Side != nil {
		for n := range o.Side.Names.All() {
			if len(list) == most {
				return list
			}
			list = append(list, n.String())
		}
	}
	return list
}

// targetText returns a target with its attributes.
func targetText(t *order.Target) string {
	a := t.Attr
	if a == nil {
		return t.String()
	}
	var parts []string
	add := func(key, value string) {
		if value != "" {
			parts = append(parts, key+" "+value)
		}
	}
	if a.Status != order.Active {
		add("status", a.Status.String())
	}
	add("from", a.From.String())
	add("until", a.Until.String())
	for _, w := range a.Windows {
		add("window", w.From.String()+" / "+w.Until.String())
	}
	add("served", a.Served.String())
	add("deadline", a.Deadline.String())
	add("acknowledged", a.Acknowledged.String())
	add("reported", a.Reported.String())
	if t.Kind == order.TargetAddress {
		add("enforced_by", a.EnforcedBy.String())
	}
	var except []string
	for _, n := range a.Except {
		except = append(except, n.String())
	}
	add("except", strings.Join(except, " "))
	add("references", strings.Join(a.References, "; "))
	add("note", a.Note)
	if parts == nil {
		return t.String()
	}
	return t.String() + " (" + strings.Join(parts, ", ") + ")"
}
