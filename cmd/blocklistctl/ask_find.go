package main

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

func missing(args ...string) error {
	args = slices.DeleteFunc(args, func(s string) bool { return s == "" })
	if len(args) == 0 {
		return nil
	}
	return misuse("missing: %s", strings.Join(args, "; "))
}

func without(isMissing bool, name string) string {
	if isMissing {
		return name
	}
	return ""
}

func (c *editFlags) noOrders() string {
	return without(len(c.Orders) == 0 && c.Corefile == "" && os.Getenv(corefileVariable) == "", "--orders PATH or --corefile FILE")
}

// On a terminal, the function asks for a missing order file. Otherwise, missing arguments are an
// error.
func (c *editFlags) complete(e *env, made bool, args ...string) (ask bool, err error) {
	none := c.noOrders()
	if err = missing(append(args, none)...); err == nil || c.Yes {
		return false, err
	}
	a := e.asker()
	if a == nil {
		return false, err
	}
	a.say("Write ? at a question for an explanation, and back for the question before. Ctrl-C ends the command, and nothing is written.")
	if none != "" {
		c.askFile(a, made)
	}
	return missing(args...) != nil, a.err
}

func (c *editFlags) start(e *env, args ...string) (x *editing, ask bool, err error) {
	if ask, err = c.complete(e, false, args...); err != nil {
		return nil, false, err
	}
	x, err = c.begin(e)
	return x, ask, err
}

func (c *editFlags) asking(e *env) bool { return !c.Yes && !c.DryRun && e.asker() != nil }

func (c *editFlags) askFile(a *asker, made bool) {
	help := "An order file ends in .yaml. A directory with order files is possible too."
	if made {
		help += " The file is made if it does not exist."
	}
	a.ask(question{text: "In which file are the orders?", offer: "orders.yaml", flag: "--orders, or --corefile for the settings of the server", help: help,
		take: func(answer string) string {
			info, err := os.Stat(answer)
			switch {
			case err != nil && !made:
				return fmt.Sprintf("there is no such file, got %q", answer)
			case err == nil && info.IsDir():
			case !slices.Contains(order.Extensions, order.Ext(answer)):
				return fmt.Sprintf("the name of an order file ends in .yaml, got %q", answer)
			}
			if err := checkFolder(answer); err != nil {
				return err.Error()
			}
			c.Orders = []string{answer}
			return ""
		}})
}

const maxChoices = 20

// The person answers with the id, a decision number or a blocked name.
func (x *editing) askOrder(id *string, text string, which func(o *order.Order) bool) {
	a := x.asks
	var list []*order.Order
	for _, o := range x.before.all() {
		if which(o) {
			list = append(list, o)
		}
	}
	if len(list) == 0 {
		a.say("The files have no order for this command.")
		a.err = errProblems
		return
	}
	q := question{text: text + " (the id, the number of the decision, or a name that it blocks)", flag: "the argument ORDER"}
	if len(list) <= maxChoices {
		for i, o := range list {
			q.text += fmt.Sprintf("\n  %d  %s", i+1, orderLine(o))
		}
	}
	q.take = func(answer string) string {
		found := matching(list, answer)
		for i, o := range list {
			if answer == fmt.Sprint(i+1) && len(list) <= maxChoices {
				found = []*order.Order{o}
			}
		}
		switch len(found) {
		case 1:
			*id = found[0].ID
			return ""
		case 0:
			_, err := x.find(answer)
			switch {
			case err == nil:
				return fmt.Sprintf("the command cannot change this order, because it is a lift or has ended, got %q", answer)
			case strings.Contains(answer, ".") && !strings.Contains(answer, "/"):
				return fmt.Sprintf("no order blocks this name, got %q", answer)
			}
			return err.Error()
		}
		var ids []string
		for _, o := range found {
			ids = append(ids, o.ID)
		}
		return fmt.Sprintf("several orders match: %s; write the id of one of them", strings.Join(ids, ", "))
	}
	a.ask(q)
}

func (x *editing) blocks(o *order.Order) bool {
	return !o.Lifting() && x.before.states(x.now)[o.ID].State != ruleset.Ended
}

func fromOutside(o *order.Order) bool { return o.Authority.Kind != order.KindOperator }

func orderLine(o *order.Order) string {
	s := o.ID + "  " + o.Authority.Name
	if len(o.References) > 0 {
		s += " " + references(o.References)
	}
	switch n := o.NumTargets(); {
	case len(o.Targets) > 0 && n == 1:
		s += ": " + o.Targets[0].String()
	case len(o.Targets) > 0:
		s += fmt.Sprintf(": %s and %d more", o.Targets[0].String(), n-1)
	}
	return printable.Line(s)
}

func matching(list []*order.Order, answer string) (out []*order.Order) {
	tests := []func(o *order.Order) bool{
		func(o *order.Order) bool { return o.ID == answer },
		func(o *order.Order) bool { return slices.Contains(o.References, answer) },
		// "5521/2026" finds "R.G. 5521/2026".
		func(o *order.Order) bool {
			return len(simple(answer)) >= 3 && slices.ContainsFunc(o.References, func(r string) bool { return strings.Contains(simple(r), simple(answer)) })
		},
	}
	if name, err := queryHost("the name", answer); err == nil && strings.Contains(answer, ".") {
		tests = append(tests, func(o *order.Order) bool { return concerns(o, name) })
	}
	for _, test := range tests {
		for _, o := range list {
			if test(o) {
				out = append(out, o)
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}

func (x *editing) askTime(v *string, key string, q question, check func(t order.Time) string, starts ...start) {
	if *v != "" {
		return
	}
	q.flag = cmp.Or(q.flag, flagNames[key])
	q.take = func(answer string) string {
		text, wrong := x.timeText(answer)
		from := ""
		if len(starts) > 0 {
			text, from, wrong = x.untilText(answer, starts...)
		}
		if wrong != "" {
			return wrong
		}
		t, err := order.ParseTime(text, zoneOf(x.file))
		if err != nil {
			return fmt.Sprintf("it %v, got %q", err, answer)
		}
		if check != nil {
			if wrong := check(t); wrong != "" {
				return fmt.Sprintf("%s, got %q", wrong, answer)
			}
		}
		*v = text
		x.asks.readAs(answer, text, from)
		return ""
	}
	x.asks.ask(q)
}

// askText asks for a text that the command needs.
func (a *asker) askText(v *string, q question) {
	if *v == "" {
		a.ask(text(v, q))
	}
}
