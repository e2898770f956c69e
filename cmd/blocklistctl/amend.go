package main

import (
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
)

// amendCmd is blocklistctl amend.
type amendCmd struct {
	Order      string   `arg:"" optional:"" help:"The id of the order."`
	Add        []string `placeholder:"NAME" help:"A further name that the order blocks, with all names below it. May be given several times."`
	Served     string   `placeholder:"TIME" help:"When the operator received the further names."`
	Deadline   string   `placeholder:"TIME" help:"When the block of the further names must be in force, or a duration after --served."`
	Reference  []string `sep:"none" placeholder:"TEXT" help:"The number of the decision about the further names. May be given several times."`
	Note       string   `placeholder:"TEXT" help:"A note on each of the further names."`
	Further    bool     `xor:"belongs" help:"The names are a further list, for example of a further decision. stated_count rises by the number of names in the further list. Without --further, the names are names of the first list, and stated_count stays."`
	Replaces   []string `xor:"belongs" placeholder:"NAME" help:"A wrong name of the order, which the added names replace. The command also writes the correction of this name, if there is none. May be given several times."`
	editFlags  `embed:""`
	namesFlags `embed:""`
}

// Help returns the description and the example for --help.
func (*amendCmd) Help() string {
	return `Adds names to a block order. The flags --served, --deadline, --reference and --note are written at each of these names. Names that the order already has are left out. The number of names that the decision states (stated_count) stays, unless --further says that the names are a further list. Names and lists are cleaned and reported as by blocklistctl import domains.

Example:

  blocklistctl amend milan/2026-17 --add mirror2.example --served 2026-05-01T09:30 --deadline 30m --corefile /etc/coredns/Corefile --yes`
}

// Run adds the names.
func (c *amendCmd) Run(e *env) error {
	if c.List != "" && len(c.Add) > 0 {
		return misuse("--add and --list cannot be used together")
	}
	x, ask, err := c.start(e, without(c.Order == "", "ORDER"), without(c.List == "" && len(c.Add) == 0, "--add NAME or --list FILE"))
	if err != nil {
		return err
	}
	if ask && c.Order == "" {
		if x.askOrder(&c.Order, "Which order gets more names?", x.blocks); x.asks.err != nil {
			return x.asks.err
		}
	}
	o, err := x.find(c.Order)
	if err != nil {
		return err
	}
	if o.Lifting() {
		return misuse("%q is a lift; blocklistctl lift writes another lift for further names", c.Order)
	}
	if err := x.open(c.Order); err != nil {
		return err
	}
	if ask {
		if err := c.ask(x, o); err != nil {
			return err
		}
	}
	wrong, err := c.wrongNames("--replaces", o)
	if err != nil {
		return err
	}
	targets, list, err := c.read(e, x.asks, c.Order, "--add", c.Add)
	if err != nil {
		return err
	}
	x.list = list
	attr, err := c.attr(x, o)
	if err != nil {
		return err
	}
	if due := deadlineOf(o, attr); due != order.NoTime && o.From > due && ask {
		if x.asks.askBeginning(&c.Deadline, o.From, zoneOf(x.file)); x.asks.err != nil {
			return x.asks.err
		}
		if attr, err = c.attr(x, o); err != nil {
			return err
		}
	} else if due != order.NoTime && o.From > due {
		e.say("note: "+beginsLate, timeWithOffset(o.From, zoneOf(x.file)))
	}
	added := further(o, targets)
	if n := len(targets) - len(added); n > 0 {
		x.e.say("%s already in order %q, and left out", count(n, "name"), c.Order)
	}
	if len(added) == 0 {
		return misuse("order %q already has all names", c.Order)
	}
	stated := c.stated(x, o, added, list)
	for i := range added {
		added[i].Attr = withAttr(added[i].Attr, attr)
	}
	if err := x.text.AddTargets(o, added); err != nil {
		return err
	}
	if stated != o.StatedCount {
		if err := x.text.SetStated(o.ID, stated); err != nil {
			return err
		}
	}
	corrected, err := c.correct(x, o, wrong, added)
	if err != nil {
		return err
	}
	c.sayStated(x, o, stated, len(added)-corrected)
	x.verb, x.id = "amend", o.ID
	return x.finish(max(o.From, x.now))
}

func (c *amendCmd) ask(x *editing, o *order.Order) error {
	a := x.asks
	if !c.askBelongs(x, o) {
		c.uncounted = true
		return a.err
	}
	x.askTime(&c.Served, "served", question{text: "When did you receive the further names? (a date, or a date and a time)", optional: true, none: means(noDate),
		help: "Write the time as 2026-05-01T09:30. A deadline such as \"within 30 minutes\" counts from this time."}, x.past)
	if c.Deadline == "" {
		hint := ""
		if o.DeadlineAfter > 0 && strings.Contains(c.Served, "T") {
			hint = "The order has the deadline " + durationText(o.DeadlineAfter) + "."
		}
		a.ask(question{text: "By when must these names be blocked? (a date or a time, or a duration after the receipt such as 30m, 24h or 7d; an empty line if the paper does not say)",
			hint: hint, optional: true, flag: "--deadline", take: func(answer string) string {
				var from, wrong string
				if c.Deadline, from, wrong = x.deadlineText(answer, c.Served, ""); wrong == "" {
					wrong = x.timeless(c.Deadline, c.Served)
				}
				if wrong != "" {
					c.Deadline = ""
					return wrong
				}
				if _, err := c.attr(x, o); err != nil {
					c.Deadline = ""
					return err.Error()
				}
				if isTime(c.Deadline) {
					a.readAs(answer, c.Deadline, from)
				}
				return ""
			}})
	}
	if len(c.Reference) == 0 {
		a.ask(question{text: "What is the number of the decision about these names? (an empty line if it has no number of its own)", optional: true, none: means(noNumber), flag: "--reference",
			take: func(answer string) string {
				c.Reference = []string{answer}
				return ""
			}})
	}
	return a.err
}

func (c *amendCmd) attr(x *editing, o *order.Order) (*order.Attr, error) {
	target := map[string]any{"name": "placeholder.example"}
	for key, value := range map[string]string{"served": c.Served, "deadline": c.Deadline, "note": c.Note} {
		if value != "" {
			target[key] = value
		}
	}
	if len(c.Reference) > 0 {
		target["references"] = c.Reference
	}
	sample, err := x.newOrder(map[string]any{
		"id": o.ID, "authority.name": "placeholder", "scope": "global", "served": o.Served.String(), "targets": []any{target},
	})
	if err != nil {
		return nil, err
	}
	return sample.Targets[0].Attr, nil
}

// A deadline may be a duration. It then counts from the time in the target's field Served.
func deadlineOf(o *order.Order, a *order.Attr) order.Time {
	switch {
	case a == nil:
		return order.NoTime
	case a.Deadline == order.NoTime && a.Served != order.NoTime && o.DeadlineAfter > 0:
		return a.Served + order.Time(o.DeadlineAfter/time.Second)
	}
	return a.Deadline
}

func further(o *order.Order, targets []order.Target) (out []order.Target) {
	has := map[string]bool{}
	for i := range o.Targets {
		has[o.Targets[i].String()] = true
	}
	if o.Side != nil {
		for n := range o.Side.Names.All() {
			has[n.String()] = true
		}
	}
	for _, t := range targets {
		if !has[t.String()] {
			out = append(out, t)
		}
	}
	return out
}

func withAttr(own, add *order.Attr) *order.Attr {
	if own == nil || add == nil {
		if own == nil {
			return add
		}
		return own
	}
	both := *own
	both.Served, both.Deadline, both.References = add.Served, add.Deadline, add.References
	if add.Note != "" {
		both.Note = add.Note
	}
	return &both
}
