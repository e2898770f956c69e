package main

import (
	"strings"

	"github.com/dns-orders/blocklist/plugin/order"
)

// receiptFlags are the arguments of acknowledge and reported.
type receiptFlags struct {
	Order     string `arg:"" optional:"" help:"The id of the order."`
	Time      string `placeholder:"TIME" help:"The time. The default is now."`
	Replace   bool   `help:"Replace the time that the order already has."`
	editFlags `embed:""`
}

// acknowledgeCmd is blocklistctl acknowledge.
type acknowledgeCmd struct {
	receiptFlags `embed:""`
}

// reportedCmd is blocklistctl reported.
type reportedCmd struct {
	receiptFlags `embed:""`
}

// Help returns the description and the example for --help.
func (*acknowledgeCmd) Help() string {
	return `Writes the time at which the operator confirmed to the authority that the order was received. The command sends nothing to the authority.

Example:

  blocklistctl acknowledge milan/2026-17 --time 2026-04-21T09:30 --corefile /etc/coredns/Corefile --yes`
}

// Help returns the description and the example for --help.
func (*reportedCmd) Help() string {
	return `Writes the time at which the operator reported to the authority that the order is in force. The command sends nothing to the authority.

Example:

  blocklistctl reported milan/2026-17 --time 2026-04-21 --corefile /etc/coredns/Corefile --yes`
}

// Run writes the time.
func (c *acknowledgeCmd) Run(e *env) error {
	return c.write(e, "acknowledged", func(o *order.Order) order.Time { return o.Acknowledged })
}

// Run writes the time.
func (c *reportedCmd) Run(e *env) error {
	return c.write(e, "reported", func(o *order.Order) order.Time { return o.Reported })
}

func (c *receiptFlags) write(e *env, key string, get func(*order.Order) order.Time) error {
	untimed := c.Time == "" && c.asking(e) // the default is now, but the time is asked for
	x, ask, err := c.start(e, without(c.Order == "", "ORDER"), without(untimed, "--time TIME"))
	if err != nil {
		return err
	}
	if ask && c.Order == "" {
		if x.askOrder(&c.Order, "Which order?", fromOutside); x.asks.err != nil {
			return x.asks.err
		}
	}
	o, err := x.find(c.Order)
	if err != nil {
		return err
	}
	if err := x.open(c.Order); err != nil {
		return err
	}
	zone := zoneOf(x.file)
	if t := get(o); t != order.NoTime && !c.Replace {
		return misuse("order %q has %s: %s; --replace writes another time", c.Order, key, t.StartText(zone))
	}
	if ask {
		what := map[string]string{"acknowledged": "When did you confirm the receipt to the authority?", "reported": "When did you report to the authority that the order is in force?"}[key]
		if x.askTime(&c.Time, "", question{text: what, offer: "now", flag: "--time"}, x.past); x.asks.err != nil {
			return x.asks.err
		}
	}
	text := c.Time
	if text == "" {
		text = x.now.String()
	}
	t, err := order.ParseTime(text, zone)
	if err != nil {
		return misuse("--time: %v, got %q", err, text)
	}
	if wrong := x.past(t); wrong != "" {
		return misuse("--time %s, got %q", strings.TrimPrefix(wrong, "it "), text)
	}
	if err := x.text.SetText(c.Order, key, text); err != nil {
		return err
	}
	x.verb, x.id = key, c.Order
	return x.finish(x.now)
}

func (x *editing) past(t order.Time) string {
	if t > x.now {
		return "it must not be in the future"
	}
	return ""
}
