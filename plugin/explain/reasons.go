package explain

import (
	"fmt"
	"slices"
	"time"

	"github.com/dns-orders/blocklist/plugin/diff"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

type explainer struct {
	*Facts
	client ruleset.Client
}

func (x *explainer) textZone(reasons []ruleset.Reason) *time.Location {
	zone := x.AllZone
	for _, r := range reasons {
		switch {
		case x.Hidden(r.Order):
		case r.Why == ruleset.Decides:
			return x.zone(r.Order)
		case zone == nil:
			zone = x.zone(r.Order)
		}
	}
	return zone
}

func (x *explainer) zone(o *ruleset.Order) *time.Location { return x.Zone(o.File()) }

func (x *explainer) label(o *ruleset.Order) string {
	if x.Hidden(o) {
		return ruleset.SealedLabel(o.ID)
	}
	return o.ID
}

func (x *explainer) undisclosed(o *ruleset.Order) bool {
	return o.Terms.Disclosure != order.Full && !x.Sealed
}

func (x *explainer) target(r ruleset.Reason) string {
	if x.Hidden(r.Order) {
		return "" // even the number of labels would disclose the target
	}
	return r.Match.Describe(r.Target)
}

// order returns the order of a reason.
func (x *explainer) order(r ruleset.Reason) *Order {
	o := r.Order
	if x.Hidden(o) {
		return &Order{ID: ruleset.SealedLabel(o.ID)}
	}
	out := &Order{ID: o.ID, Authority: diff.Authority(o.Terms.Authority), File: o.File(), Line: r.Line}
	switch whole := x.Whole(o.ID); {
	case whole != nil:
		out.References = whole.References
	case o.Reference != "":
		out.References = []string{o.Reference}
	}
	return out
}

func (x *explainer) reason(r ruleset.Reason) Reason {
	if x.Hidden(r.Order) || r.By != nil && r.Why == ruleset.LiftedBy && x.Hidden(r.By) {
		r.Until = ruleset.Forever
	}
	if x.Hidden(r.Order) {
		return x.hiddenReason(r)
	}
	out := Reason{Order: x.label(r.Order), Target: x.target(r), Begins: r.Begins.String(), Until: Until(r.Until)}
	say := func(word, format string, args ...any) {
		out.Reason, out.Text = word, fmt.Sprintf(format, args...)
	}
	whole := x.Whole(r.Order.ID)
	out.File, out.Line = r.Order.File(), r.Line
	zone := x.zone(r.Order)
	begins := ""
	if r.Begins != order.NoTime {
		begins = "begins on " + r.Begins.StartText(zone) + ", but "
	}
	switch r.Why {
	case ruleset.Outranked:
		by := ""
		if r.By != nil {
			by = x.label(r.By)
		}
		out.By = by
		say("outranked", "in force too; order %q has precedence", by)
	case ruleset.NotActive:
		say("not_active", "%s", notActive(whole, r))
	case ruleset.NotYet:
		say("not_yet", "in force %s", startOf(whole, r.Begins, zone))
	case ruleset.Over:
		say("over", "ended%s", endOf(whole, r, zone))
	case ruleset.OutOfScope:
		text := "out of scope: the order is for " + diff.Scope(r.Order.Terms.Scope)
		if begins != "" {
			text += ", and begins on " + r.Begins.StartText(zone)
		}
		say("out_of_scope", "%s", text)
	case ruleset.ExemptClient:
		say("exempt", "%sthe client is exempt%s%s", begins, x.exemption(r.Order), x.ends(r, zone))
	case ruleset.Excepted:
		say("excepted", "excepted: the name is in the except list of the order")
	case ruleset.LiftedBy:
		out.By = x.label(r.By)
		if begins != "" {
			begins += "is "
		}
		say("lifted", "%slifted by order %q%s%s", begins, out.By, x.about(r.By), x.ends(r, zone))
	case ruleset.HeldBack:
		if begins != "" {
			begins += "is "
		}
		if x.undisclosed(r.Order) {
			say("held", "%sheld by the never-block guard, not enforced", begins) // the reason contains the target or a name above it
		} else {
			say("held", "%sheld by the never-block guard, not enforced: it %s", begins, r.Held)
		}
	case ruleset.InShadow:
		if begins != "" {
			begins += "is "
		}
		say("shadow", "%sin shadow: decided and counted, not enforced; %s", begins, notActive(whole, r))
	case ruleset.OtherName:
		say("other_name", "the target does not cover this name")
	}
	return out
}

func (x *explainer) hiddenReason(r ruleset.Reason) Reason {
	out := Reason{Order: x.label(r.Order)}
	if r.By != nil {
		out.By = x.label(r.By)
	}
	switch r.Why {
	case ruleset.Outranked:
		out.Reason, out.Text = "outranked", fmt.Sprintf("in force too; order %q has precedence", out.By)
	case ruleset.NotActive:
		out.Reason, out.Text = "not_active", "not in force, by its status or its dates"
	case ruleset.NotYet:
		out.Reason, out.Text = "not_yet", "not yet in force"
	case ruleset.Over:
		out.Reason, out.Text = "over", "ended"
	case ruleset.OutOfScope:
		out.Reason, out.Text = "out_of_scope", "out of scope"
	case ruleset.ExemptClient:
		out.Reason, out.Text = "exempt", "the client is exempt"
	case ruleset.Excepted:
		out.Reason, out.Text = "excepted", "excepted: the name is in the except list of the order"
	case ruleset.LiftedBy:
		out.Reason, out.Text = "lifted", fmt.Sprintf("lifted by order %q", out.By)
	case ruleset.HeldBack:
		out.Reason, out.Text = "held", "held by the never-block guard, not enforced"
	case ruleset.InShadow:
		out.Reason, out.Text = "shadow", "in shadow: decided and counted, not enforced"
	case ruleset.OtherName:
		out.Reason, out.Text = "other_name", "the target does not cover this name"
	}
	return out
}

func (x *explainer) ends(r ruleset.Reason, zone *time.Location) string {
	if r.Until == ruleset.Forever {
		return ""
	}
	if r.By == nil {
		return ", until " + EndOfDay(r.Until, zone)
	}
	if by := x.Whole(r.By.ID); by == nil || !endsAt(by, r.Until) {
		return "; in force from " + r.Until.StartText(zone)
	}
	return ", until " + EndOfDay(r.Until, x.zone(r.By))
}

func endsAt(o *order.Order, t order.Time) bool {
	end := func(w order.Window) bool { return w.Until == t }
	return o.Until == t || slices.ContainsFunc(o.Windows, end) || slices.ContainsFunc(o.Targets, func(x order.Target) bool {
		return x.Attr != nil && (x.Attr.Until == t || slices.ContainsFunc(x.Attr.Windows, end))
	})
}

func notActive(o *order.Order, r ruleset.Reason) string {
	if status := r.Order.Status(); status != order.Active {
		return "the order's status is " + status.String()
	}
	switch {
	case o != nil:
	case r.Why == ruleset.InShadow:
		return "the target's status is shadow"
	default:
		return "the target's status is not active, or its from, until and windows do not overlap"
	}
	if t := targetOf(o, r); t != nil && t.Attr != nil && t.Attr.Status != order.Active {
		return "the target's status is " + t.Attr.Status.String()
	}
	return "its from, until and windows do not overlap, so it is never in force"
}

// endOf returns words about the end of a target.
func endOf(o *order.Order, r ruleset.Reason, zone *time.Location) string {
	if o == nil {
		return " at " + EndOfDay(r.Ended, zone)
	}
	end := o.Until
	if t := targetOf(o, r); t != nil && t.Attr != nil && t.Attr.Until != order.NoTime && (end == order.NoTime || t.Attr.Until < end) {
		end = t.Attr.Until
	}
	if end == order.NoTime {
		return ": the last window has closed"
	}
	return " at " + EndOfDay(end, zone)
}

// startOf returns words about the start of a target.
func startOf(o *order.Order, t order.Time, zone *time.Location) string {
	if o != nil && o.From == order.NoTime && len(o.Windows) == 0 {
		if first, field := FirstDate(o); first == t {
			return fmt.Sprintf("not before %s (%s)", t.StartText(zone), field)
		}
	}
	return "from " + t.StartText(zone)
}

func targetOf(o *order.Order, r ruleset.Reason) *order.Target {
	if o == nil {
		return nil
	}
	for i := range o.Targets {
		if t := &o.Targets[i]; t.Kind == order.TargetName && t.Name == r.Target && t.Match == r.Match {
			return t
		}
	}
	return nil
}

func (x *explainer) about(o *ruleset.Order) string {
	if x.Hidden(o) {
		return ""
	}
	s := " of " + o.Terms.Authority.Name
	if whole := x.Whole(o.ID); whole != nil && whole.DecidedAt() != order.NoTime {
		s += ", " + whole.DecidedAt().StartText(x.zone(o))
	}
	return s
}

func (x *explainer) exemption(o *ruleset.Order) string {
	for _, e := range o.Terms.Exempt {
		for _, n := range e.Clients {
			if x.client.Addr.IsValid() && n.Contains(x.client.Addr) && (e.Until == order.NoTime || e.Until > x.Now) {
				s := ": " + n.String()
				if e.Reference != "" {
					s += " (" + e.Reference + ")"
				}
				return s
			}
		}
	}
	return ""
}
