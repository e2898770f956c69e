package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/evidence"
	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/plugin/printable"
)

type evidenceCommands struct {
	History  historyCmd  `cmd:"" help:"Show when an order, or the orders for a name, were enforced."`
	Evidence evidenceCmd `cmd:"" help:"Check a journal, and prove the records of an order."`
}

// historyCmd is blocklistctl history.
type historyCmd struct {
	What    string   `arg:"" name:"name|order" help:"The id of an order, or a domain name."`
	Journal []string `required:"" placeholder:"DIR" help:"The directory of a journal, or of \"evidence collect\". Repeat the flag for the journals of several servers."`
	Sealed  bool     `help:"Show the ids of sealed orders."`
}

// Help returns the description and the example for --help.
func (*historyCmd) Help() string {
	return `The history shows from when until when the servers enforced an order, as far as their journals say. For a name, the history shows each order that had the name, or a name above it, as a target. It comes from the records and from the versions of files in the journal, and not from the files of today. The command does not check the journal: see "blocklistctl evidence verify".

Example:

  blocklistctl history court/914 --journal /var/lib/blocklist/journal
  blocklistctl history www.example.com --journal node1 --journal node2`
}

// A historyReport is the JSON output of history.
type historyReport struct {
	Histories []*evidence.OrderHistory `json:"histories"`
	// The journals do not contain these file versions.
	Missing []string `json:"missing"`
	// Nodes are the names of the journals of servers.
	Nodes  []string     `json:"nodes"`
	Orders []orderNodes `json:"orders"`
}

// An orderNodes value has the nodes of one order.
type orderNodes struct {
	Order    string   `json:"order"`
	Enforced []string `json:"enforced_on"`
	Ended    []string `json:"ended_on"`
	Never    []string `json:"never_on"`
}

func (c *historyCmd) Run(e *env) error {
	r := historyReport{Histories: []*evidence.OrderHistory{}, Missing: []string{}, Nodes: []string{}, Orders: []orderNodes{}}
	var dirs []string
	for _, dir := range c.Journal {
		list, err := evidence.Expand(dir)
		if err != nil {
			return err
		}
		dirs = append(dirs, list...)
	}
	var all []*evidence.History
	for i, dir := range dirs {
		e.progress.say("reading %d of %d: %s", i+1, len(dirs), dir)
		h, err := evidence.Open(dir)
		if err != nil {
			return err
		}
		all = append(all, h)
		if !h.Probe() {
			r.Nodes = append(r.Nodes, h.Node())
		}
		if o := h.Order(c.What); o != nil {
			c.hide(o)
			r.Histories = append(r.Histories, o)
		}
	}
	if len(r.Histories) == 0 {
		name, err := dname.Parse(c.What)
		if err != nil {
			return fmt.Errorf("no journal has a record of the order, and %q is no name: %v", c.What, err)
		}
		for _, h := range all {
			r.Histories = append(r.Histories, h.Name(name)...)
			r.Missing = append(r.Missing, h.Missing...)
		}
		for _, o := range r.Histories {
			c.hide(o)
		}
	}
	r.count()
	e.progress.clear()
	if e.json {
		e.writeJSON(r)
	} else {
		c.write(e, r)
	}
	if len(r.Histories) == 0 {
		return errProblems
	}
	return nil
}

// count fills in the nodes of each order.
func (r *historyReport) count() {
	at := map[string]int{}
	for _, o := range r.Histories {
		if _, ok := at[o.Order]; !ok {
			at[o.Order] = len(r.Orders)
			r.Orders = append(r.Orders, orderNodes{Order: o.Order, Enforced: []string{}, Ended: []string{}, Never: []string{}})
		}
	}
	for i := range r.Orders {
		x := &r.Orders[i]
		for _, node := range r.Nodes {
			list := &x.Never
			for _, o := range r.Histories {
				if n := len(o.Intervals); o.Node == node && o.Order == x.Order && n > 0 {
					list = &x.Ended
					if o.Intervals[n-1].Until.IsZero() {
						list = &x.Enforced
					}
				}
			}
			*list = append(*list, node)
		}
	}
}

// A sealed order loses its values. A label replaces its id.
func (c *historyCmd) hide(o *evidence.OrderHistory) {
	if !o.Sealed || c.Sealed {
		return
	}
	o.Order, o.File = sealedLabel(o.Order), ""
	for i := range o.Records {
		r := &o.Records[i]
		if (r.Target != "" || r.Name != "") && r.Why != "" { // the reason may contain the name
			r.Why = "the reason is not disclosed"
		}
		r.Order, r.Target, r.Name = o.Order, "", ""
		r.Content = "" // a digest of the targets can be guessed
		r.File, r.SHA256, r.By = "", "", ""
	}
	for i := range o.Intervals {
		o.Intervals[i].SHA256, o.Intervals[i].By = "", ""
	}
	o.Versions = []evidence.OrderVersion{}
}

func (c *historyCmd) write(e *env, r historyReport) {
	line := func(format string, args ...any) {
		fmt.Fprintln(e.stdout, printable.Line(fmt.Sprintf(format, args...)))
	}
	for _, m := range r.Missing {
		line("note: %s; the history may be incomplete", m)
	}
	if len(r.Histories) == 0 {
		line("the journals have no order for %s", c.What)
	}
	for _, o := range r.Histories {
		line("order %s on %s", o.Order, o.Node)
		switch {
		case o.Probe:
			line("  was asked about from outside")
		case len(o.Intervals) == 0:
			line("  was never enforced, as far as the journal says")
		}
		for _, x := range o.Intervals {
			line("  enforced from %s %s%s", x.From.UTC().Format(time.DateTime+" UTC"), ending(x), digestText(x.SHA256))
		}
		for _, x := range o.Records {
			line("%s", strings.TrimRight(fmt.Sprintf("    %s  %-12s %s", x.Time.UTC().Format(time.DateTime), x.Event, details(x)+people(o, x.Index)), " "))
		}
	}
	r.writeNodes(line)
}

func (r *historyReport) writeNodes(line func(string, ...any)) {
	if len(r.Nodes) < 2 {
		return
	}
	for _, x := range r.Orders {
		text := fmt.Sprintf("order %s: enforced on %d of %d nodes at the end of their journals", x.Order, len(x.Enforced), len(r.Nodes))
		if len(x.Ended) > 0 {
			text += "; ended on " + strings.Join(x.Ended, ", ")
		}
		if len(x.Never) > 0 {
			text += "; never on " + strings.Join(x.Never, ", ")
		}
		line("%s", text)
	}
}

func ending(x evidence.Interval) string {
	if x.Until.IsZero() {
		return "on; the journal has no end"
	}
	end := "until " + x.Until.UTC().Format(time.DateTime+" UTC")
	if len(x.ClockSet) > 0 {
		end += " (the clock of the server was set by " + strings.Join(x.ClockSet, ", ") + " in between)"
	}
	switch x.Why {
	case "stop":
		return end + ", when the server was stopped"
	case "unknown":
		return end + " at least: the journal does not say when the server ended"
	case "target":
		return end + ", when the name was no longer a target"
	}
	if x.By != "" {
		return end + ": " + x.Why + " by " + x.By
	}
	return end + ": " + x.Why
}

func digestText(sum string) string {
	if sum == "" {
		return ""
	}
	return fmt.Sprintf(" (version %.12s)", sum)
}

func people(o *evidence.OrderHistory, index int64) (out string) {
	for _, v := range o.Versions {
		if v.Index != index {
			continue
		}
		for _, x := range []struct{ name, value string }{{"verified by", v.VerifiedBy}, {"approved by", v.ApprovedBy}, {"signed by", strings.Join(v.Signers, " and ")}} {
			if x.value != "" {
				out += ", " + x.name + " " + x.value
			}
		}
	}
	return out
}

func details(r journal.Record) string {
	var out []string
	for _, x := range []struct{ name, value string }{
		{"target ", r.Target}, {"by ", r.By}, {"file ", strings.TrimSuffix(r.File+digestText(r.SHA256), " ")}, {"", r.Why},
	} {
		if x.value != "" {
			out = append(out, x.name+x.value)
		}
	}
	if r.Event == journal.Hits {
		out = append(out, fmt.Sprint(r.Count))
	}
	if r.Rcode != "" {
		s := fmt.Sprintf("%s answered %s %s with %s", r.Server, r.Name, r.Type, r.Rcode)
		if r.Why == "" {
			s += ", as expected"
		}
		out = append(out, s)
	}
	return strings.Join(out, ", ")
}
