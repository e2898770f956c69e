package main

import (
	"fmt"
	"strings"

	"github.com/miekg/dns"

	"github.com/dns-orders/blocklist/plugin/answer"
	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// explainCmd is blocklistctl explain.
type explainCmd struct {
	Name       string   `arg:"" help:"The name, with or without a trailing dot, in any script."`
	Orders     []string `arg:"" help:"Order files, directories and globs, as in the Corefile."`
	guardFlag  `embed:""`
	At         string `placeholder:"TIME" help:"Judge at this time instead of now."`
	Type       string `short:"t" default:"A" help:"The query's type."`
	who        `embed:""`
	terms      `embed:""`
	EDNS       bool   `name:"edns" default:"true" negatable:"" help:"The query carries EDNS."`
	DO         bool   `name:"do" help:"The query asks for DNSSEC records."`
	Structured bool   `help:"The client signals structured DNS errors (an EDE option with code 0)."`
	Size       uint16 `default:"1232" help:"The client's buffer, in octets."`
	Sealed     bool   `help:"Show sealed orders by their ids and targets, not by their digests."`
}

// Help is the longer help.
func (*explainCmd) Help() string {
	return `Prints whether the name is blocked, by which order and target, since and until when, the answer in dig's form, and for each other order on the name why it does not apply. The exit code is 0 whether the name is blocked or not.

Example:

  blocklistctl explain www.example.com /etc/coredns/orders/ --country IT --at 2026-05-01T20:45+02:00`
}

// explainJSON is what explain writes with --json.
type explainJSON struct {
	Name     string       `json:"name"`
	At       string       `json:"at"`
	Client   string       `json:"client"`
	Type     string       `json:"type"`
	Blocked  bool         `json:"blocked"`
	Order    *orderJSON   `json:"order,omitempty"`
	Target   string       `json:"target,omitempty"`
	Since    string       `json:"since,omitempty"`
	Until    string       `json:"until,omitempty"`
	Passes   bool         `json:"type_passes"`
	Response string       `json:"response,omitempty"`
	Answer   string       `json:"answer,omitempty"`
	Others   []reasonJSON `json:"others"`
	Recorded []reasonJSON `json:"recorded"`
}

type orderJSON struct {
	ID         string   `json:"id"`
	Authority  string   `json:"authority,omitempty"`
	References []string `json:"references,omitempty"`
}

type reasonJSON struct {
	Order  string `json:"order"`
	Target string `json:"target,omitempty"`
	Reason string `json:"reason"`
	Text   string `json:"text"`
	By     string `json:"by,omitempty"`
	Until  string `json:"until,omitempty"`
}

// Run explains.
func (c *explainCmd) Run(e *env) error {
	name, err := askedName("the name", c.Name)
	if err != nil {
		return err
	}
	qtype, ok := dns.StringToType[strings.ToUpper(c.Type)]
	if !ok {
		return misuse("--type must be a query type such as A or HTTPS, got %q", c.Type)
	}
	now, err := e.moment(c.At)
	if err != nil {
		return err
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	cfg, err := c.config()
	if err != nil {
		return err
	}
	response, err := c.response()
	if err != nil {
		return err
	}
	l, err := e.mustLoad(c.Orders, c.guardFlag, ruleset.Options{Response: response})
	if err != nil {
		return err
	}
	x := explainer{l: l, byID: l.byID(), disclosure: disclosures(l.all()), sealed: c.Sealed, now: now, client: client}
	var q ruleset.Asked
	q.SetName(name)
	q.Service = answer.ServiceLabels(&q, qtype)
	v, reasons := l.set.Explain(&q, client, now)
	out := explainJSON{Name: name.String(), At: now.String(), Client: c.who.String(), Type: strings.ToUpper(c.Type),
		Blocked: v.Blocked(), Others: []reasonJSON{}, Recorded: x.recorded(name)}
	for _, r := range reasons {
		if r.Why == ruleset.Decides {
			out.Target, out.Since, out.Until = x.target(r), r.Since.String(), until(v.Until)
			out.Order = x.order(r.Order)
			continue
		}
		out.Others = append(out.Others, x.reason(r))
	}
	if v.Blocked() {
		out.Passes = answer.Passes(qtype, v.Below)
		out.Response = answer.Label(v, qtype)
		req := c.query(name, qtype)
		size := dns.MinMsgSize
		if c.EDNS {
			size = int(max(c.Size, dns.MinMsgSize))
		}
		out.Answer = answer.Build(req, size, v, now.Time(), cfg).String()
		if out.Passes {
			out.Response, out.Answer = "", ""
		}
	}
	if e.json {
		return e.writeJSON(out)
	}
	return c.print(e, &out)
}

// query is the query that a client with these traits sends.
func (c *explainCmd) query(name dname.Name, qtype uint16) *dns.Msg {
	m := new(dns.Msg)
	m.RecursionDesired = true
	m.Question = []dns.Question{{Name: name.FQDN(), Qtype: qtype, Qclass: dns.ClassINET}}
	if c.EDNS {
		m.SetEdns0(max(c.Size, dns.MinMsgSize), c.DO)
		if c.Structured {
			opt := m.IsEdns0()
			opt.Option = append(opt.Option, &dns.EDNS0_EDE{})
		}
	}
	return m
}

func (c *explainCmd) print(e *env, x *explainJSON) error {
	w := e.stdout
	verdict := "not blocked"
	if x.Blocked {
		verdict = "blocked"
	}
	fmt.Fprintf(w, "%s is %s for %s at %s\n", x.Name, verdict, x.Client, x.At)
	if o := x.Order; o != nil {
		about := or(o.Authority, "sealed; --sealed shows which")
		if len(o.References) > 0 {
			about += "; " + strings.Join(o.References, ", ")
		}
		fmt.Fprintf(w, "by order %q (%s)\n", o.ID, about)
		fmt.Fprintf(w, "target: %s\n", or(x.Target, "not shown"))
		fmt.Fprintf(w, "since:  %s\n", or(x.Since, "always: the order gives no start"))
		fmt.Fprintf(w, "until:  %s\n", or(x.Until, "nothing that is known ends it"))
	}
	list := func(title string, rs []reasonJSON) {
		if len(rs) > 0 {
			fmt.Fprintf(w, "\n%s:\n", title)
		}
		for _, r := range rs {
			fmt.Fprintf(w, "  order %q, target %s: %s\n", r.Order, or(r.Target, "not shown"), r.Text)
		}
	}
	list("Orders on this name that do not decide", x.Others)
	list("Recorded for this name, not enforced by DNS", x.Recorded)
	switch {
	case x.Passes:
		fmt.Fprintf(w, "\nQueries of type %s pass all the same: a forged denial would break what is below.\n", x.Type)
	case x.Blocked:
		fmt.Fprintf(w, "\n%s", x.Answer)
	}
	return nil
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// until is a moment, empty for never.
func until(t order.Time) string {
	if t == ruleset.Forever {
		return ""
	}
	return t.String()
}
