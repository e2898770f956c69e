package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/dns-orders/blocklist/plugin/answer"
	"github.com/dns-orders/blocklist/plugin/directive"
	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// explainCmd is the command "blocklistctl explain".
type explainCmd struct {
	Name        string   `arg:"" help:"The name, in any script, with or without a trailing dot, or a URL."`
	Orders      []string `arg:"" optional:"" help:"Order files, directories and globs, as in the Corefile. ORDERS may also be before the name."`
	serverFlags `embed:""`
	At          string `placeholder:"TIME" help:"Decide at this time instead of now."`
	Type        string `short:"t" default:"A" help:"The type of the query."`
	clientFlags `embed:""`
	terms       `embed:""`
	EDNS        bool   `name:"edns" default:"true" negatable:"" help:"The query has EDNS."`
	DO          bool   `name:"do" help:"The query asks for DNSSEC records."`
	Structured  bool   `help:"The query asks for structured DNS errors (an EDE option with code 0)."`
	Size        uint16 `default:"1232" help:"The EDNS buffer size of the client, in octets."`
	Sealed      bool   `help:"Show the ids and targets of sealed orders."`
}

// Help returns the description and the example for --help.
func (*explainCmd) Help() string {
	return `Prints whether the name is blocked, for which clients, by which order and target, since when, until when, and the answer in the form of dig. For each other order with a target at or above the name it prints why the order does not decide. The exit code is 0 whether the name is blocked or not.

Example:

  blocklistctl explain www.example.com /etc/coredns/orders/ --country IT --at 2026-05-01T20:45+02:00
  blocklistctl explain https://www.example.com/page --corefile /etc/coredns/Corefile --client 192.0.2.7`
}

// Run explains whether the name is blocked.
func (c *explainCmd) Run(e *env) error {
	asked, files := nameAndOrders(append([]string{c.Name}, c.Orders...))
	name, err := queryHost("the name", asked)
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
	s, err := c.server(files)
	if err != nil {
		return err
	}
	if err := c.apply(s); err != nil {
		return err
	}
	cl, err := c.client(s)
	if err != nil {
		return err
	}
	present := order.Time(e.now().Unix())
	var change func(*order.Order) *order.Order
	if now < present {
		change = datedBefore(present)
	}
	l, err := e.mustLoad(s.Store.Patterns, s, change)
	if err != nil {
		return err
	}
	x := explainer{l: l, disclosure: disclosures(l.all()), sealed: c.Sealed, now: now, client: cl.Client}
	out := explainJSON{Name: name.String(), At: now.String(), Client: cl.text, Type: strings.ToUpper(c.Type),
		Others: []reasonJSON{}, Recorded: x.recorded(name), past: now < present, future: now > present}
	if s.block != nil {
		out.Block = s.block.String()
	}
	out.Notes = x.notes(s, cl, &out)
	if other, refused := s.elsewhere(name); refused || other != nil && other.Config == nil || other != nil && c.Block != "" {
		out.Notes = append(out.Notes, elsewhereText(s, other))
		out.forAll(cl, true)
	} else {
		c.decide(s, &x, name, qtype, cl, &out)
	}
	if e.json {
		return e.writeJSON(out)
	}
	c.print(e, &out)
	return nil
}

// decide writes the verdict about the name and its reasons to the explanation out.
func (c *explainCmd) decide(s *server, x *explainer, name dname.Name, qtype uint16, cl client, out *explainJSON) {
	var q ruleset.QName
	q.SetName(name)
	q.Service = answer.ServiceLabels(&q, qtype)
	v, reasons := x.l.set.Explain(&q, cl.Client, x.now)
	out.Blocked = v.Blocked() && !s.Store.Shadow
	for _, r := range reasons {
		switch {
		case r.Why != ruleset.Decides:
			out.Others = append(out.Others, x.reason(r))
		case s.Store.Shadow:
			shadowed := x.reason(r)
			shadowed.Reason, shadowed.Text = "shadow", "in force, but the server block is in shadow: it decides and counts, and changes no answer"
			out.Others = append(out.Others, shadowed)
		default:
			x.decided(r, out)
		}
	}
	if s.Store.Shadow {
		out.forAll(cl, true)
	} else {
		groups, all := x.groups(s, &q, cl, reasons)
		if len(groups) > 1 {
			out.Groups = groups
		}
		out.groupsText = groupsText(groups, all)
		out.some = cl.anyAddress && cl.anyCountry && !out.Blocked && slices.ContainsFunc(groups, func(g groupJSON) bool { return g.Blocked })
		out.forAll(cl, all && sameForAll(groups) && (cl.anyCountry || cl.fromPlaces))
	}
	switch {
	case s.Store.Shadow:
		out.Notes = append(out.Notes, "the server block is in shadow: no order changes an answer")
	case out.Blocked && s.block != nil && s.block.Rewrite:
		out.Notes = append(out.Notes, "the rewrite plugin of the server block is above blocklist: a name that it rewrites is decided under the new name")
	case !out.Blocked && !s.AnswersOff:
		out.Notes = append(out.Notes, "the server also decides about names that an answer leads to, for example by CNAME; explain does not look them up")
	}
	if !out.Blocked {
		return
	}
	if out.Passes = answer.Passes(qtype, v.Subtree); out.Passes {
		return
	}
	size := dns.MinMsgSize
	if c.EDNS {
		size = int(max(c.Size, dns.MinMsgSize))
	}
	m := answer.Build(c.query(name, qtype), size, v, x.now.Time(), &s.Answer)
	out.Response, out.Answer = answer.Label(v, qtype), digForm(m)
}

// forAll sets the client in the explanation to "every client" or "any client". It changes
// nothing if the flags specify a client.
func (x *explainJSON) forAll(cl client, all bool) {
	switch {
	case !all || !cl.anyAddress || cl.Country != "" && !cl.fromPlaces:
	case x.Blocked:
		x.Client = "every client"
	default:
		x.Client = "any client"
	}
}

// decided adds the deciding target to the explanation out.
func (x *explainer) decided(r ruleset.Reason, out *explainJSON) {
	out.Order, out.Target, out.Until = x.order(r.Order), x.target(r), until(r.Until)
	zone := x.l.zone(r.Order.ID)
	out.untilText = or(endOfDay(r.Until, zone), "no known end")
	whole := x.l.order(r.Order.ID)
	// For a time in the past, datedBefore has set the start of an order without a from. The
	// true start is unknown.
	given := r.Since != order.NoTime && (whole == nil || !out.past || whole.From != order.NoTime || len(whole.Windows) > 0 || r.After != nil)
	if given {
		out.Since, out.since = r.Since.String(), r.Since.StartText(zone)
		if r.After != nil {
			out.since += fmt.Sprintf(", when lift %q ended", x.label(r.After))
		}
		return
	}
	out.since = "unknown: the order has no from, served or issued"
	if whole == nil {
		return
	}
	if t, field := firstDate(whole); t != order.NoTime {
		out.NotBefore = t.String()
		out.since = fmt.Sprintf("unknown, because the order has no from; not before %s (%s)", t.StartText(zone), field)
	}
}

// notes returns notes about facts that the explanation does not know.
func (x *explainer) notes(s *server, cl client, out *explainJSON) (notes []string) {
	if out.past {
		notes = append(notes, "decided by the present order files; at that time the files may have been different")
	}
	if out.future {
		notes = append(notes, "decided by the present order files, which may change before that time")
	}
	if s.block == nil {
		notes = append(notes, "without --corefile, the settings of the server are unknown, for example country, home and protect")
		return notes
	}
	if s.block.GeoIP && cl.anyCountry {
		note := "the geoip plugin of the server block gives the country of clients; explain does not read its database"
		if s.Places.Home != "" {
			note += fmt.Sprintf("; clients without a country from geoip are in %s (home)", s.Places.Home)
		}
		notes = append(notes, note)
	}
	if cl.Addr.IsValid() && s.ECSFrom.Contains(cl.Addr) {
		notes = append(notes, "the client is in ecs_from: if the query has a client subnet, the subnet gives the country, not the address")
	}
	if s.block.View {
		notes = append(notes, "the view plugin decides which queries the server block receives; explain does not evaluate its expression")
	}
	return notes
}

// elsewhereText returns a note if the chosen server block receives no query for the name. The
// argument other is the server block that receives the query, or nil.
func elsewhereText(s *server, other *directive.Block) string {
	switch {
	case other == nil:
		return fmt.Sprintf("server block %s has no zone with this name, and neither has another block on its port", s.block)
	case other.Config == nil:
		return fmt.Sprintf("server block %s receives the queries for this name, and has no %s directive", other, directive.Name)
	}
	return fmt.Sprintf("server block %s receives the queries for this name, not %s; choose the block with --block", other, s.block)
}

// query returns the query that the flags describe.
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
