package main

import (
	"fmt"
	"slices"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/importer"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// correctCmd is blocklistctl correct.
type correctCmd struct {
	Name      string   `arg:"" optional:"" help:"The name that is blocked by mistake, or a URL."`
	Reason    string   `placeholder:"TEXT" help:"The reason. It is the note of the correction."`
	Operator  string   `default:"operator" placeholder:"NAME" help:"The name of the operator, as the authority of the correction (default operator)."`
	Reference []string `sep:"none" placeholder:"TEXT" help:"The number of a ticket. May be given several times."`
	editFlags `embed:""`
}

// Help returns the description and the example for --help.
func (*correctCmd) Help() string {
	return `Corrects an error of the operator: from now on, no order blocks the name and the names below it. The correction is a lift of the operator: an order that ends, for this name, all orders with a target that covers the name. The orders do not change, so the file still shows what was blocked, and until when.

Example:

  blocklistctl correct www.example.com --reason "the decision says example.net" --corefile /etc/coredns/Corefile --yes`
}

// Run adds the correction.
func (c *correctCmd) Run(e *env) error {
	x, ask, err := c.start(e, without(c.Name == "", "NAME"), without(c.Reason == "", "--reason TEXT"))
	if err != nil {
		return err
	}
	if ask {
		c.askName(x)
		if name, err := queryHost("the name", c.Name); err == nil && x.asks.err == nil {
			c.Name = x.askWider(name).String()
		}
		x.asks.askText(&c.Reason, question{text: "What was the mistake? (one sentence for the file)", flag: "--reason",
			help: "The file keeps the order and the correction, so that you can show later what was blocked, until when, and why it ended."})
		if x.asks.err != nil {
			return x.asks.err
		}
	}
	name, err := queryHost("the name", c.Name)
	if err != nil {
		return err
	}
	if wider := x.wider(name); len(wider) > 0 && !ask {
		e.say("note: %s is below the target %s, and only %[1]s and the names below it are freed; blocklistctl correct %[2]s frees the target", name, wider[0])
	}
	lifts := x.blocking(name)
	if len(lifts) == 0 {
		return misuse("no order that has not ended has a target that covers the name; blocklistctl list --target shows the orders, got %q", c.Name)
	}
	err = x.addLift(lifts, map[string]any{
		"id": x.freeID(lifts[0], "correction"), "authority.name": c.Operator, "authority.kind": "operator",
		"references": c.Reference, "note": c.Reason, "issued": "", "from": "", "targets": []string{name.String()},
	})
	if err == nil && x.asks != nil && !c.DryRun && hasTarget(x.before.byID()[lifts[0]], name) {
		x.asks.say("If the paper has another name in its place, write that name next: blocklistctl amend %s --replaces %s", shellWord(lifts[0]), name)
	}
	return err
}

func (x *editing) blocking(name dname.Name) (ids []string) {
	states := x.before.states(x.now)
	for _, o := range x.before.all() {
		if !o.Lifting() && concerns(o, name) && states[o.ID].State != ruleset.Ended {
			ids = append(ids, o.ID)
		}
	}
	return ids
}

// The result contains the shorter targets that also block the name, for example b.example for
// a.b.example. The longest target comes first.
func (x *editing) wider(name dname.Name) (out []dname.Name) {
	blocking := map[string]bool{}
	for _, id := range x.blocking(name) {
		blocking[id] = true
	}
	add := func(n dname.Name) {
		if n != name && n.Covers(name) && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	for _, o := range x.before.all() {
		if !blocking[o.ID] {
			continue
		}
		for i := range o.Targets {
			if t := &o.Targets[i]; t.Kind == order.TargetName && t.Match != order.Exact {
				add(t.Name)
			}
		}
		if o.Side != nil {
			for n := range o.Side.Names.All() {
				add(n)
			}
		}
	}
	slices.SortFunc(out, func(a, b dname.Name) int { return b.NumLabels() - a.NumLabels() })
	return out
}

func (x *editing) askWider(name dname.Name) dname.Name {
	wider := x.wider(name)
	if len(wider) == 0 {
		return name
	}
	choices := []choice{}
	for _, n := range append(slices.Clone(wider), name) {
		choices = append(choices, choice{n.String(), n.String() + ", and all names below it"})
	}
	word := x.asks.choose(question{text: fmt.Sprintf("The orders block %s because of the target %s. What is blocked by mistake?", name, wider[0]), flag: "the argument NAME",
		help: "If the whole target is a mistake, choose the target. Otherwise the other names of the target stay blocked."}, choices...)
	for _, n := range append(wider, name) {
		if n.String() == word {
			return n
		}
	}
	return name
}

func (c *correctCmd) askName(x *editing) {
	if c.Name != "" {
		return
	}
	for c.Name == "" && x.asks.err == nil {
		id, number := "", 0
		var name dname.Name
		x.asks.ask(question{text: "Which name is blocked by mistake? (the name, its address from the browser, or its number in the list of the order)", flag: "the argument NAME",
			take: func(answer string) (wrong string) {
				if n, ok := ordinal(answer); ok {
					number = n
					id, name, wrong = x.nthBlocked(n)
					return wrong
				}
				var err error
				if name, err = queryHost("the name", importer.WithoutBelow(answer)); err != nil {
					return err.Error()
				}
				if len(x.blocking(name)) == 0 {
					return fmt.Sprintf("no order blocks this name, got %q", answer)
				}
				number = 0
				return ""
			}})
		if x.asks.err == nil && (number == 0 || x.asks.meant(number, id, name)) {
			c.Name = name.String()
		}
	}
}
