package main

import (
	"cmp"
	"fmt"

	"github.com/dns-orders/blocklist/plugin/explain"
	"github.com/dns-orders/blocklist/plugin/printable"
)

func (x *shower) print(e *env, shown []shownJSON) {
	for i := range shown {
		o := &shown[i]
		if i >= shownOrders && !x.All {
			fmt.Fprintf(e.stdout, "%s (%s)%s\n", o.ID, o.State, explain.PositionText(o.File, o.Line))
			continue
		}
		if i > 0 {
			fmt.Fprintln(e.stdout)
		}
		x.printOne(e, o)
		if i == shownOrders-1 && len(shown) > shownOrders && !x.All {
			fmt.Fprintf(e.stdout, "\nThese orders match too (--all shows all their fields):\n")
		}
	}
}

// printOne prints one order.
func (x *shower) printOne(e *env, o *shownJSON) {
	w := e.stdout
	line := func(key, text string) {
		if text != "" {
			fmt.Fprintf(w, "  %-14s %s\n", key+":", printable.Line(text))
		}
	}
	if o.hidden {
		fmt.Fprintf(w, "%s: a sealed %s order\n", o.ID, o.Action)
		line("state", o.State)
		fmt.Fprintln(w, "  --sealed shows the order")
		return
	}
	kind := map[string]string{"block": "block order", "lift": "lift"}[o.Action]
	fmt.Fprintf(w, "%s: a %s of %s\n", o.ID, kind, printable.Line(cmp.Or(o.about, "an unknown authority")))
	line("file", fmt.Sprintf("%s:%d", o.File, o.Line))
	line("digest", o.Digest)
	state := o.State
	if o.Until != "" {
		state += ", until " + x.l.asWritten(o.ID, "until", o.Until) + " if the files stay as they are"
	}
	line("state", state)
	line("late", o.Late)
	for _, f := range o.fields {
		if f[0] == "action" || f[0] == "authority" {
			continue
		}
		line(f[0], x.l.asWritten(o.ID, f[0], f[1]))
	}
	x.printTargets(e, o)
	line("lifted", liftedText(o.State, o.Lifted, o.Targets, o.stay, x.l.asWritten(o.ID, "until", o.stay.End)))
	for _, h := range o.Held {
		line("held", fmt.Sprintf("%s, not enforced: it %s", cmp.Or(h.Target, "the whole order"), h.Why))
	}
	if len(o.Held) > 0 && o.Held[0].Target != "" {
		fmt.Fprintln(w, "  To enforce a held target, write the target and a reason below force. docs/guard.md describes force.")
	}
	x.printLinks(e, "lifted by", o.ID, o.LiftedBy)
	x.printLinks(e, "ends", o.ID, o.Lifts)
}

func (x *shower) printTargets(e *env, o *shownJSON) {
	switch n := o.Targets - len(o.TargetList); {
	case o.Targets == 0:
	case o.secret:
		fmt.Fprintf(e.stdout, "  %-14s %d, not disclosed; --sealed shows the targets\n", "targets:", o.Targets)
	case n > 0:
		fmt.Fprintf(e.stdout, "  %-14s %d, of which the first %d are shown; --all shows all\n", "targets:", o.Targets, len(o.TargetList))
	default:
		fmt.Fprintf(e.stdout, "  %-14s %d\n", "targets:", o.Targets)
	}
	if n := o.stated - o.remaining; n > 0 {
		fmt.Fprintf(e.stdout, "  %-14s %d, because the decision states %s\n", "missing:", n, count(o.stated, "name"))
	}
	for _, t := range o.TargetList {
		fmt.Fprintf(e.stdout, "    %s\n", printable.Line(x.l.asWritten(o.ID, "", t)))
	}
}

func (x *shower) printLinks(e *env, title, id string, links []linkJSON) {
	for _, l := range links {
		text := fmt.Sprintf("%s (%s)%s", l.Order, l.State, explain.PositionText(l.File, l.Line))
		if l.From != "" {
			text += ", from " + x.l.asWritten(l.Order, "from", l.From)
		}
		if l.Until != "" {
			text += ", until " + x.l.asWritten(l.Order, "until", l.Until)
		}
		switch {
		case l.Target != "" && l.Targets == 1:
			text += ", for " + l.Target
		case l.Target != "":
			text += fmt.Sprintf(", for %s, the first is %s", count(l.Targets, "target"), l.Target)
		case l.Targets > 0:
			text += ", for " + count(l.Targets, "target")
		}
		fmt.Fprintf(e.stdout, "  %-14s %s\n", title+":", printable.Line(text))
	}
	if len(links) == maxLinks {
		fmt.Fprintf(e.stdout, "  %-14s only the first %d are shown\n", "", maxLinks)
	}
}
