package main

import (
	"fmt"
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
)

// suspendCmd is blocklistctl suspend.
type suspendCmd struct {
	Order     string   `arg:"" optional:"" help:"The id of the order."`
	For       string   `xor:"end" placeholder:"DURATION" help:"The duration of the suspension from now, for example 30m, 2h or 7d."`
	Until     string   `xor:"end" placeholder:"TIME" help:"The end of the suspension."`
	Reason    string   `placeholder:"TEXT" help:"The reason. It is the note of the suspension."`
	Operator  string   `default:"operator" placeholder:"NAME" help:"The name of the operator, as the authority of the suspension (default operator)."`
	Reference []string `sep:"none" placeholder:"TEXT" help:"The number of a ticket. May be given several times."`
	editFlags `embed:""`
}

// Help returns the description and the example for --help.
func (*suspendCmd) Help() string {
	return `Suspends an order from now until a time. The suspension is a lift of the operator: an order that ends another order for a time. Its end needs no further change of the file. A stay by a court is not a suspension; blocklistctl lift writes a stay.

Example:

  blocklistctl suspend milan/2026-17 --for 2h --reason "customers cannot reach their bank" --corefile /etc/coredns/Corefile --yes`
}

// Run adds the suspension.
func (c *suspendCmd) Run(e *env) error {
	x, ask, err := c.start(e, without(c.Order == "", "ORDER"), without(c.For+c.Until == "", "--for DURATION or --until TIME"), without(c.Reason == "", "--reason TEXT"),
		without(c.asking(e), "the author of the decision"))
	if err != nil {
		return err
	}
	if ask {
		switch stay, err := c.ask(x); {
		case err != nil:
			return err
		case stay:
			lift := &liftCmd{Lifts: []string{c.Order}, Reference: c.Reference, Until: c.Until, editFlags: c.editFlags}
			return lift.Run(e)
		}
	}
	o, err := x.find(c.Order)
	if err != nil {
		return err
	}
	if o.Lifting() {
		return misuse("%q is a lift, and a lift cannot be suspended; to end the lift, set its until in the file", c.Order)
	}
	until := c.Until
	if c.For != "" {
		d, err := c.duration()
		if err != nil {
			return err
		}
		until = order.FromTime(x.now.Time().Add(d)).String()
	}
	if !ask {
		e.say("note: a suspension is a decision of the operator. For the stay of a court, use blocklistctl lift %s --until TIME.", shellWord(c.Order))
	}
	return x.addLift([]string{c.Order}, map[string]any{
		"id": x.freeID(c.Order, "suspension"), "authority.name": c.Operator, "authority.kind": "operator",
		"references": c.Reference, "note": c.Reason, "issued": "", "from": "", "until": until,
	})
}

// duration returns the value of --for.
func (c *suspendCmd) duration() (time.Duration, error) {
	d, err := order.ParseDuration(c.For)
	if err != nil || d < time.Second || d%time.Second != 0 {
		return 0, misuse("--for must be a duration in whole seconds, such as 30m, 2h or 7d, got %q", c.For)
	}
	return d, nil
}

// A stay is a pause that a court or another authority has decided.
func (c *suspendCmd) ask(x *editing) (stay bool, err error) {
	a := x.asks
	if c.Order == "" {
		x.askOrder(&c.Order, "Which order shall pause?", x.blocks)
	}
	if a.choose(question{text: "Who decided the pause?",
		help: "A suspension is your own decision, for example because of a fault. The stay of a court is a lift with an end: the file then has the court and the number of its decision."},
		choice{"operator", "you (the operator of the resolver)"}, choice{"court", "a court or another authority; this is a stay"}) == "court" {
		a.say("The stay of a court is a lift, with an end if the court states an end. The next questions are those of blocklistctl lift.")
		return true, a.err
	}
	if c.For+c.Until == "" {
		a.ask(question{text: "For how long? (for example 30m, 2h or 7d)", flag: "--for",
			help: "After this time the order is in force again, without a further change.",
			take: func(answer string) string {
				c.For, _ = duration(answer)
				if _, err := c.duration(); err != nil {
					c.For = ""
					return fmt.Sprintf("it must be a duration such as 30m, 2h or 7d, got %q", answer)
				}
				return ""
			}})
	}
	a.askText(&c.Reason, question{text: "Why? (one sentence for the file)", flag: "--reason"})
	return false, a.err
}
