package main

import (
	"fmt"
	"strings"

	"github.com/miekg/dns"

	"github.com/dns-orders/blocklist/plugin/answer"
	"github.com/dns-orders/blocklist/plugin/directive"
	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// explainCmd is blocklistctl explain.
type explainCmd struct {
	Name        string   `arg:"" help:"The name, with or without a trailing dot, in any script; or a URL."`
	Orders      []string `arg:"" optional:"" help:"Order files, directories and globs, as in the Corefile. They may also come before the name."`
	serverFlags `embed:""`
	At          string `placeholder:"TIME" help:"Judge at this time instead of now."`
	Type        string `short:"t" default:"A" help:"The query's type."`
	who         `embed:""`
	terms       `embed:""`
	EDNS        bool   `name:"edns" default:"true" negatable:"" help:"The query carries EDNS."`
	DO          bool   `name:"do" help:"The query asks for DNSSEC records."`
	Structured  bool   `help:"The client signals structured DNS errors (an EDE option with code 0)."`
	Size        uint16 `default:"1232" help:"The client's buffer, in octets."`
	Sealed      bool   `help:"Show sealed orders by their ids and targets, not by their digests."`
}

// Help is the longer help.
func (*explainCmd) Help() string {
	return `Prints whether the name is blocked and for whom, by which order and target, since and until when, the answer in dig's form, and for each other order on the name why it does not apply. The exit code is 0 whether the name is blocked or not.

Example:

  blocklistctl explain www.example.com /etc/coredns/orders/ --country IT --at 2026-05-01T20:45+02:00
  blocklistctl explain https://www.example.com/page --corefile /etc/coredns/Corefile --client 192.0.2.7`
}

// Run explains.
func (c *explainCmd) Run(e *env) error {
	asked, files := nameAndOrders(append([]string{c.Name}, c.Orders...))
	name, err := askedHost("the name", asked)
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
	client, err := c.client(s)
	if err != nil {
		return err
	}
	present := order.Time(e.now().Unix())
	var compiled func(*order.Order) *order.Order
	if now < present {
		compiled = datedBefore(present)
	}
	l, err := e.mustLoad(s.Store.Patterns, s, compiled)
	if err != nil {
		return err
	}
	x := explainer{l: l, byID: l.byID(), disclosure: disclosures(l.all()), sealed: c.Sealed, now: now, client: client.Client}
	out := explainJSON{Name: name.String(), At: now.String(), Client: client.text, Type: strings.ToUpper(c.Type),
		Others: []reasonJSON{}, Recorded: x.recorded(name), past: now < present, future: now > present}
	if s.block != nil {
		out.Block = s.block.String()
	}
	out.Notes = x.notes(s, client, &out)
	if other, refused := s.elsewhere(name); refused || other != nil && other.Config == nil || other != nil && c.Block != "" {
		out.Notes = append(out.Notes, elsewhereText(s, other))
		out.forAll(client, true)
	} else {
		c.judge(s, &x, name, qtype, client, &out)
	}
	if e.json {
		return e.writeJSON(out)
	}
	c.print(e, &out)
	return nil
}

// judge fills in what the orders say of the name.
func (c *explainCmd) judge(s *server, x *explainer, name dname.Name, qtype uint16, client asking, out *explainJSON) {
	var q ruleset.QName
	q.SetName(name)
	q.Service = answer.ServiceLabels(&q, qtype)
	v, reasons := x.l.set.Explain(&q, client.Client, x.now)
	out.Blocked = v.Blocked() && !s.Store.Shadow
	for _, r := range reasons {
		switch {
		case r.Why != ruleset.Decides:
			out.Others = append(out.Others, x.reason(r))
		case s.Store.Shadow:
			shadowed := x.reason(r)
			shadowed.Reason, shadowed.Text = "shadow", "in force, but the server block is in shadow: the block decides and counts, and changes no answer"
			out.Others = append(out.Others, shadowed)
		default:
			x.decided(r, out)
		}
	}
	if s.Store.Shadow {
		out.forAll(client, true)
	} else {
		groups, all := x.whom(s, &q, client, reasons)
		if len(groups) > 1 {
			out.Groups = groups
		}
		out.whom = whomText(groups, all)
		out.forAll(client, all && sameForAll(groups) && (client.anyCountry || client.fromPlaces))
	}
	switch {
	case s.Store.Shadow:
		out.Notes = append(out.Notes, "the server block is in shadow: no order changes an answer")
	case out.Blocked && s.block != nil && s.block.Rewrite:
		out.Notes = append(out.Notes, "the rewrite plugin of the server block stands above: a name that it rewrites is judged under the new name")
	case !out.Blocked && !s.AnswersOff:
		out.Notes = append(out.Notes, "the server also judges where an answer leads, by CNAME and the like, which is not looked up here")
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

// forAll makes the client of the explanation every client, when all is true and the flags
// named no client.
func (x *explainJSON) forAll(client asking, all bool) {
	switch {
	case !all || !client.anyAddress || client.Country != "" && !client.fromPlaces:
	case x.Blocked:
		x.Client = "every client"
	default:
		x.Client = "any client"
	}
}

// decided fills in the target that decides.
func (x *explainer) decided(r ruleset.Reason, out *explainJSON) {
	out.Order, out.Target, out.Until = x.order(r.Order), x.target(r), until(r.Until)
	zone := x.l.zone(r.Order.ID)
	out.untilText = or(endOfDay(r.Until, zone), "nothing that is known ends it")
	whole := x.byID[r.Order.ID]
	// A time in the past is judged with dates that are not the order's own, see datedBefore.
	given := r.Since != order.NoTime && (whole == nil || !out.past || whole.From != order.NoTime || len(whole.Windows) > 0 || r.After != nil)
	if given {
		out.Since, out.since = r.Since.String(), r.Since.StartText(zone)
		if r.After != nil {
			out.since += fmt.Sprintf(", when lift %q ended", x.label(r.After))
		}
		return
	}
	out.since = "not known: the order gives no from, served or issued"
	if whole == nil {
		return
	}
	if t, field := firstDate(whole); t != order.NoTime {
		out.NotBefore = t.String()
		out.since = fmt.Sprintf("not known, as the order gives no from; not before %s (%s)", t.StartText(zone), field)
	}
}

// notes are what limits the explanation.
func (x *explainer) notes(s *server, client asking, out *explainJSON) (notes []string) {
	if out.past {
		notes = append(notes, "judged by the order files as they are now, which may not be what they were at that time")
	}
	if out.future {
		notes = append(notes, "judged by the order files as they are now, which may change before that time")
	}
	if s.block == nil {
		notes = append(notes, "without --corefile the server's country, home, protect and other settings are not known")
		return notes
	}
	if s.block.GeoIP && client.anyCountry {
		note := "the geoip plugin of the server block gives clients a country, which cannot be looked up here"
		if s.Places.Home != "" {
			note += fmt.Sprintf("; clients that geoip does not place are in %s (home)", s.Places.Home)
		}
		notes = append(notes, note)
	}
	if client.Addr.IsValid() && s.ECSFrom.Contains(client.Addr) {
		notes = append(notes, "the client is in ecs_from: a client subnet in the query decides on the country in place of the address")
	}
	if s.block.View {
		notes = append(notes, "the view plugin decides which queries the server block gets, and its expression is not looked at here")
	}
	return notes
}

// elsewhereText says that a server block gets no query for a name; other is the block that
// does, nil when there is none.
func elsewhereText(s *server, other *directive.Block) string {
	switch {
	case other == nil:
		return fmt.Sprintf("server block %s serves no zone with this name, and no other block on its port does", s.block)
	case other.Config == nil:
		return fmt.Sprintf("server block %s gets the queries for this name, and has no %s directive", other, directive.Name)
	}
	return fmt.Sprintf("server block %s gets the queries for this name, not %s; choose the block with --block", other, s.block)
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
