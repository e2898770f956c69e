package main

import (
	"fmt"
	"time"

	"github.com/dns-orders/blocklist/plugin/diff"
	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/lint"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// explainer puts reasons into words.
type explainer struct {
	l          *orders
	byID       map[string]*order.Order
	disclosure map[string]order.Disclosure
	sealed     bool
	now        order.Time
	client     ruleset.Client
}

func (x *explainer) label(o *ruleset.Order) string {
	if x.hidden(o) {
		return sealedLabel(o.ID)
	}
	return o.ID
}

func (x *explainer) hidden(o *ruleset.Order) bool { return x.disclosure[o.ID].Sealed() && !x.sealed }

// undisclosed reports whether the order's targets are not to be shown.
func (x *explainer) undisclosed(o *ruleset.Order) bool {
	return x.disclosure[o.ID] != order.Full && !x.sealed
}

func (x *explainer) target(r ruleset.Reason) string {
	if x.hidden(r.Order) {
		return "" // how far up it is would give it away
	}
	return lint.Target(r.Target, r.Match)
}

func (x *explainer) order(o *ruleset.Order) *orderJSON {
	if x.hidden(o) {
		return &orderJSON{ID: sealedLabel(o.ID)}
	}
	out := &orderJSON{ID: o.ID, Authority: diff.Authority(o.Terms.Authority)}
	if whole := x.byID[o.ID]; whole != nil {
		out.References = whole.References
		out.File, out.Line = x.l.places[o.ID].path, whole.Line
	}
	return out
}

func (x *explainer) reason(r ruleset.Reason) reasonJSON {
	out := reasonJSON{Order: x.label(r.Order), Target: x.target(r), Until: until(r.Until)}
	say := func(word, format string, args ...any) {
		out.Reason, out.Text = word, fmt.Sprintf(format, args...)
	}
	whole := x.byID[r.Order.ID]
	if whole != nil && !x.hidden(r.Order) {
		out.File, out.Line = x.l.places[r.Order.ID].path, whole.Line
	}
	zone := x.l.zone(r.Order.ID)
	switch r.Why {
	case ruleset.Outranked:
		by := ""
		if r.By != nil {
			by = x.label(r.By)
		}
		out.By = by
		say("outranked", "in force too; order %q comes first", by)
	case ruleset.NotActive:
		say("not_active", "%s", notActive(whole, r))
	case ruleset.NotYet:
		say("not_yet", "in force %s", startOf(whole, r.Until, zone))
	case ruleset.Over:
		say("over", "over%s", endOf(whole, r, zone))
	case ruleset.OutOfScope:
		if x.hidden(r.Order) {
			say("out_of_scope", "out of scope")
		} else {
			say("out_of_scope", "out of scope: the order is for %s", diff.Scope(r.Order.Terms.Scope))
		}
	case ruleset.ExemptClient:
		say("exempt", "the client is exempt%s", x.exemption(r.Order))
	case ruleset.Excepted:
		say("excepted", "excepted: the order leaves the name out")
	case ruleset.LiftedBy:
		out.By = x.label(r.By)
		say("lifted", "lifted by order %q%s", out.By, x.about(r.By))
	case ruleset.HeldBack:
		if x.undisclosed(r.Order) {
			say("held", "held by the never-block guard, not enforced") // why names the target or what is above it
		} else {
			say("held", "held by the never-block guard, not enforced: it %s", r.Held)
		}
	case ruleset.InShadow:
		say("shadow", "in shadow: decided and counted, not enforced; %s", notActive(whole, r))
	case ruleset.OtherName:
		say("other_name", "the target covers other names than this one")
	}
	if out.Until != "" && (r.Why == ruleset.LiftedBy || r.Why == ruleset.ExemptClient) {
		by := zone
		if r.By != nil {
			by = x.l.zone(r.By.ID)
		}
		out.Text += ", until " + endOfDay(r.Until, by)
	}
	return out
}

// notActive says which status keeps a target out of force.
func notActive(o *order.Order, r ruleset.Reason) string {
	if o != nil && o.Status != order.Active {
		return "the order's status is " + diff.Status(o.Status)
	}
	if t := targetOf(o, r); t != nil && t.Attr != nil && t.Attr.Status != order.Active {
		return "the target's status is " + diff.Status(t.Attr.Status)
	}
	return "its times have nothing in common: it is never in force"
}

// endOf says when a target ended.
func endOf(o *order.Order, r ruleset.Reason, zone *time.Location) string {
	if o == nil {
		return ""
	}
	end := o.Until
	if t := targetOf(o, r); t != nil && t.Attr != nil && t.Attr.Until != order.NoTime && (end == order.NoTime || t.Attr.Until < end) {
		end = t.Attr.Until
	}
	if end == order.NoTime {
		return ": its last window has closed"
	}
	return " since " + endOfDay(end, zone)
}

// startOf says when a target that is not in force yet will be.
func startOf(o *order.Order, t order.Time, zone *time.Location) string {
	if o != nil && o.From == order.NoTime && len(o.Windows) == 0 {
		if first, field := firstDate(o); first == t {
			return fmt.Sprintf("not before %s (%s)", t.StartText(zone), field)
		}
	}
	return "from " + t.StartText(zone)
}

// targetOf returns the target of the order that a reason is about.
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

// about is what people know an order by.
func (x *explainer) about(o *ruleset.Order) string {
	if x.hidden(o) {
		return ""
	}
	s := " of " + o.Terms.Authority.Name
	if whole := x.byID[o.ID]; whole != nil && whole.PlaceInHistory() != order.NoTime {
		s += ", " + whole.PlaceInHistory().StartText(x.l.zone(o.ID))
	}
	return s
}

// exemption says by which entry of exempt the client is exempt.
func (x *explainer) exemption(o *ruleset.Order) string {
	if x.hidden(o) {
		return ""
	}
	for _, e := range o.Terms.Exempt {
		for _, n := range e.Clients {
			if x.client.Addr.IsValid() && n.Contains(x.client.Addr) && (e.Until == order.NoTime || e.Until > x.now) {
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

// recorded lists the URLs of this host that orders in the set only record.
func (x *explainer) recorded(name dname.Name) []reasonJSON {
	out := []reasonJSON{}
	for _, f := range x.l.files {
		for _, o := range f.Orders {
			if o.Disclosure.Sealed() && !x.sealed || o.Lifting() {
				continue
			}
			for i := range o.Targets {
				t := &o.Targets[i]
				if t.Kind == order.TargetURL && hostOf(t.Attr.URL) == name {
					out = append(out, reasonJSON{Order: o.ID, File: f.Path, Line: o.Line, Target: t.Attr.URL, Reason: "url",
						Text: "one page, which DNS cannot block without its whole host"})
				}
			}
		}
	}
	return out
}
