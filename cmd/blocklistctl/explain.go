package main

import (
	"cmp"
	"fmt"
	"time"

	"github.com/dns-orders/blocklist/plugin/directive"
	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/explain"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// explainCmd is the command "blocklistctl explain".
type explainCmd struct {
	Name        string   `arg:"" help:"The name, in any script, with or without a trailing dot, or a URL."`
	Orders      []string `arg:"" optional:"" help:"Order files, directories and globs, as in the Corefile. ORDERS may also be before the name."`
	serverFlags `embed:""`
	remoteFlags `embed:""`
	At          string `placeholder:"TIME" help:"Decide at this time instead of now."`
	Journal     string `placeholder:"DIR" help:"Decide by the orders that the server with this journal had in force at the time of --at."`
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
  blocklistctl explain www.example.com --at 2026-05-01T20:45+02:00 --journal /var/lib/blocklist/journal
  blocklistctl explain https://www.example.com/page --corefile /etc/coredns/Corefile --client 192.0.2.7
  blocklistctl explain www.example.com --server http://127.0.0.1:9253 --client 192.0.2.7`
}

// Run explains whether the name is blocked.
func (c *explainCmd) Run(e *env) error {
	e.sealed = c.Sealed
	asked, files := nameAndOrders(append([]string{c.Name}, c.Orders...))
	name, err := queryHost("the name", asked)
	if err != nil {
		return err
	}
	qtype, ok := explain.ParseType(c.Type)
	if !ok {
		return misuse("--type must be a query type such as A or HTTPS, got %q", c.Type)
	}
	if c.Server != "" {
		return c.remote(e, name, files)
	}
	if c.Journal != "" && len(files) > 0 {
		return misuse("--journal cannot be used with ORDERS")
	}
	if c.Journal != "" {
		files = []string{c.Journal} // the journal has the orders
	}
	files = c.obvious(e, files)
	s, err := c.server(files)
	if err != nil {
		return err
	}
	var past *explain.Journal
	var now, present order.Time
	if c.Journal == "" {
		now, present, err = e.times(c.At, s)
	} else {
		now, present, past, err = c.inJournal(e)
	}
	if err != nil {
		return err
	}
	if past != nil && s.block != nil {
		past.Notes = append(past.Notes, "the settings and protect lists are those of the present Corefile")
	}
	if err := c.apply(s); err != nil {
		return err
	}
	cl, err := c.client(s)
	if err != nil {
		return err
	}
	var change func(*order.Order) *order.Order
	if past == nil {
		change = datedBefore(now, present)
	}
	l, err := e.mustLoad(s.Store.Patterns, s, change)
	if err != nil {
		return err
	}
	disclosed := disclosures(l.all())
	f := &explain.Facts{Set: l.set, Now: now, Past: now < present, Future: now > present, Sealed: c.Sealed, Journal: past,
		Whole:  l.order,
		Hidden: func(o *ruleset.Order) bool { return disclosed[o.ID].Sealed() && !c.Sealed },
		Zone:   l.zoneOfFile, AllZone: l.oneZone(),
	}
	on := &explain.Server{Config: s.Config, Block: s.block}
	q := &explain.Query{Name: name, Type: qtype, EDNS: c.EDNS, DO: c.DO, Structured: c.Structured, Size: c.Size}
	out := explain.Begin(f, on, q, &cl)
	out.Recorded = l.recorded(name, c.Sealed)
	if other, refused := s.elsewhere(name); refused || other != nil && other.Config == nil || other != nil && c.Block != "" {
		out.Elsewhere(&cl, elsewhereText(s, other))
	} else {
		out.Decide(f, on, q, &cl)
	}
	if e.json {
		return e.writeJSON(out)
	}
	out.Print(e.stdout)
	return nil
}

func (c *explainCmd) inJournal(e *env) (now, present order.Time, past *explain.Journal, err error) {
	first, err := parseMoment("--at", cmp.Or(c.At, "now"), e.present(), time.UTC)
	if err != nil {
		return 0, 0, nil, err
	}
	if first >= e.present()+maxOffset {
		return 0, 0, nil, misuse("--journal requires --at with a past time")
	}
	if _, err = e.past(c.Journal, min(first, e.present())); err != nil {
		return 0, 0, nil, err
	}
	if now, present, err = e.times(c.At, &server{Config: new(directive.Config)}); err != nil {
		return 0, 0, nil, err
	}
	if now >= present {
		return 0, 0, nil, misuse("--journal requires --at with a past time")
	}
	past, err = e.past(c.Journal, now)
	return now, present, past, err
}

// Every offset from UTC is smaller than this number of seconds.
const maxOffset = 24 * 60 * 60

// The result contains URLs of single pages on the host. DNS cannot block a single page.
func (l *orders) recorded(name dname.Name, sealed bool) []explain.Reason {
	out := []explain.Reason{}
	for _, f := range l.files {
		for _, o := range f.Orders {
			if o.Disclosure.Sealed() && !sealed || o.Lifting() {
				continue
			}
			for i := range o.Targets {
				t := &o.Targets[i]
				if t.Kind == order.TargetURL && hostOf(t.Attr.URL) == name {
					out = append(out, explain.Reason{Order: o.ID, File: f.Path, Line: o.Line, Target: t.Attr.URL, Reason: "url",
						Text: "one page, which DNS cannot block without its whole host"})
				}
			}
		}
	}
	return out
}

func elsewhereText(s *server, other *directive.Block) string {
	switch {
	case other == nil:
		return fmt.Sprintf("server block %s has no zone with this name, and neither has another block on its port", s.block)
	case other.Config == nil:
		return fmt.Sprintf("server block %s receives the queries for this name, and has no %s directive", other, directive.Name)
	}
	return fmt.Sprintf("server block %s receives the queries for this name, not %s; choose the block with --block", other, s.block)
}
