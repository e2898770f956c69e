package due

import (
	"fmt"
	"slices"

	"github.com/dns-orders/blocklist/plugin/diff"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// item writes the texts of an item.
func (c *collector) item(k kind, f found) *Item {
	file := &c.Options.Files[f.file]
	it := &Item{File: file.Path, Field: f.field, Date: f.at.String(), at: f.at, until: order.NoTime, end: f.end || isEnd(f.field), zone: file.Zone}
	if f.n < 0 {
		it.key = file.Path + " " + f.field
		it.Why = "the file must be renewed before this time; the orders stay in force"
		if f.at <= c.now {
			it.Why = "the file is stale, and must be renewed; the orders stay in force"
		}
		if it.Command = c.Command("check", file.Path, file.Path); c.secretFile(f.file) {
			it.File, it.Sealed, it.Command = "a file with sealed orders", true, ""
		}
		return it
	}
	o, st := c.orders[f.n], c.states[f.n]
	it.key = o.ID + " " + f.field
	switch {
	case f.count > 0:
		it.key += " " + titles[k][0] + " " + f.at.String()
	case f.field == "windows" && !f.end, f.field == "exempt":
		it.key += " " + f.at.String()
	case f.field == "windows":
		it.key += " end"
	}
	d := f.disclosure
	it.Action, it.State = o.Action.String(), st.State.String()
	if d.Sealed() && !c.Sealed {
		*it = Item{Order: "sealed:" + ruleset.Digest(o.ID), Sealed: true, Action: it.Action, State: it.State, zone: c.zone, key: it.key,
			at: order.NoTime, until: order.NoTime, Why: "a sealed order; --sealed shows the order and the date"}
		return it
	}
	it.Order, it.Line, it.Sealed = o.ID, o.Line, d.Sealed()
	it.Authority, it.References = diff.Authority(o.Authority), o.References
	if f.field == "windows" && f.until > f.at {
		it.until, it.Until = f.until, f.until.String()
	}
	if it.TargetCount = f.count; d == order.Full || c.Sealed {
		it.Target = list(f.targets, f.count)
	} else if f.count > 0 {
		it.Target = count(f.count, "target")
	}
	c.explain(k, f, o, st, d, it)
	return it
}

func (c *collector) explain(k kind, f found, o *order.Order, st ruleset.OrderState, d order.Disclosure, it *Item) {
	show := c.Command("show", o.ID, it.File)
	switch k {
	case behind, atRisk:
		it.Why, it.Command = c.hindrance(k, f, o, st, d), show
	case late:
		switch {
		case wasServedLate(o) && f.count == 0:
			it.Why = "served after its deadline, " + o.Served.StartText(it.zone)
		case f.count > 0:
			it.Why = count(f.count, "target") + ": from is after the deadline"
		default:
			it.Why = "begins after its deadline"
			if o.From != order.NoTime {
				it.Why += ", from " + o.From.StartText(it.zone)
			}
		}
		it.Command = c.Command("reported", o.ID, it.File)
	case starts:
		it.Why = c.beginning(f, o, st, d)
		if st.State != ruleset.Pending && st.State != ruleset.InForce && st.State != ruleset.Lifted {
			it.Command = show
		}
	case ends:
		it.Why = c.endText(f, o)
		if n := st.LiftedTargets(f.at - 1); n > 0 && f.count == 0 {
			it.Why += "; " + isAre(n, "target") + " already lifted"
		}
	case review:
		it.Why = fmt.Sprintf("look at the order again, then write a new review date at %s:%d", it.File, o.Line)
		it.Command = show
	case unreached:
		c.explainReach(f, o, it)
		it.Command = show
	case incomplete:
		it.Why = fmt.Sprintf("the decision states %s, and the order has %d", count(o.StatedCount, "name"), c.corrected.Remaining(o))
		it.Command = show
	case notAcknowledged, notReported:
		it.Why = waiting(k, f, o, st)
		it.Command = c.Command(map[kind]string{notAcknowledged: "acknowledge", notReported: "reported"}[k], o.ID, it.File)
	}
}

func (c *collector) hindrance(k kind, f found, o *order.Order, st ruleset.OrderState, d order.Disclosure) string {
	held := c.held[st.Order]
	file := &c.Options.Files[f.file]
	switch {
	case o.Status != order.Active:
		return fmt.Sprintf("the status is %s; to enforce the order, set the status to active at %s:%d", o.Status, file.Path, o.Line)
	case f.count > 0:
		return targetHindrance(f, o, held, file)
	case len(held) > 0 && held[0].Target == "":
		return "the order is held, because it " + held[0].Why
	case len(held) > 0 && d != order.Full && !c.Sealed:
		return "the guard holds " + count(len(held), "target")
	case len(held) > 0:
		why := fmt.Sprintf("the guard holds %s: %s %s", count(len(held), "target"), held[0].Target, held[0].Why)
		if len(held) > 1 {
			why += ", and more"
		}
		return why
	case o.Deadline != order.NoTime && o.From > o.Deadline:
		return "the order begins at " + o.From.StartText(file.Zone) + ", after its deadline"
	case st.State == ruleset.Ended:
		return "the from, until and windows of the order do not overlap, so the order is never in force"
	}
	for i := range o.Targets {
		if t := &o.Targets[i]; t.Kind == order.TargetAddress && t.Attr.EnforcedBy == order.ByDNS {
			return "the order has addresses in answers; the Corefile needs the option answers addresses to enforce them"
		}
	}
	return "the order is not enforced completely"
}

func targetHindrance(f found, o *order.Order, held []ruleset.Held, file *File) string {
	what := "the target"
	if f.count > 1 {
		what = "the first target"
	}
	i := slices.IndexFunc(o.Targets, func(t order.Target) bool { return t.Attr != nil && targetText(&t) == f.targets[0] })
	if i < 0 {
		return what + " is not enforced"
	}
	t := &o.Targets[i]
	if a := t.Attr; a.Status != order.Active {
		return fmt.Sprintf("the status of %s is %s; to enforce %s, set the status to active at %s:%d", what, a.Status, what, file.Path, t.Line)
	}
	for _, h := range held {
		if h.Target == f.targets[0] {
			return fmt.Sprintf("the guard holds %s, because it %s", what, h.Why)
		}
	}
	if from := max(o.From, t.Attr.From); from > f.at {
		return what + " begins at " + from.StartText(file.Zone) + ", after its deadline"
	}
	return what + " is not enforced"
}

func (c *collector) beginning(f found, o *order.Order, st ruleset.OrderState, d order.Disclosure) string {
	what := "the order begins"
	switch {
	case o.Lifting() && f.field == "windows":
		what = "a window of the lift begins"
	case o.Lifting():
		what = "the lift begins, and frees names"
	case f.count > 0 && f.count == 1:
		what = "a target begins"
	case f.count > 0:
		what = count(f.count, "target") + " begin"
	case f.field == "windows":
		what = "a window begins"
	}
	held, lifted := len(c.held[st.Order]), st.LiftedTargets(f.at)
	if lifted > 0 && f.count == 0 {
		what += "; " + isAre(lifted, "target") + " lifted"
	}
	switch {
	case o.Status != order.Active:
		return fmt.Sprintf("%s, but the status of the order is %s, so the order is not enforced", what, o.Status)
	case st.State == ruleset.OnHold:
		return what + ", but the guard holds the whole order"
	case held > 0:
		return fmt.Sprintf("%s; the guard holds %s", what, count(held, "target"))
	}
	return what
}

// endText returns words about an end.
func (c *collector) endText(f found, o *order.Order) string {
	switch {
	case f.field == "exempt":
		return "an exemption ends; its clients are then blocked"
	case f.count == 1:
		return "a target ends"
	case f.count > 0:
		return count(f.count, "target") + " end"
	case o.Lifting():
		return "the lift ends; " + c.blocksAgain(f, o)
	case f.field == "windows":
		return "the last window ends"
	}
	return "the order ends, and its names are freed unless another order blocks them"
}

func waiting(k kind, f found, o *order.Order, st ruleset.OrderState) string {
	why := ""
	if f.field != "served" {
		why = "served at an unknown time"
	}
	if f.count > 0 {
		why = count(f.count, "target") + " served later than the other targets"
	}
	add := func(text string) {
		if why != "" {
			why += "; "
		}
		why += text
	}
	if k == notReported && o.ReportTo != "" {
		add("report to " + o.ReportTo)
	}
	switch st.State {
	case ruleset.Ended:
		add("the order has ended")
	case ruleset.Lifted:
		add("the order is lifted")
	}
	return why
}

func isAre(n int, what string) string {
	if n == 1 {
		return count(n, what) + " is"
	}
	return count(n, what) + " are"
}

// count returns a number with a noun.
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
