package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/dnsclient"
	"github.com/dns-orders/blocklist/plugin/explain"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/probe"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/miekg/dns"
)

// probeCmd is the command "blocklistctl probe".
type probeCmd struct {
	Address     string   `arg:"" name:"server" help:"The server: an address or a host name, with or without a port, tls://HOST or https://HOST/dns-query."`
	Orders      []string `arg:"" optional:"" help:"Order files, directories and globs, as in the Corefile."`
	serverFlags `embed:""`
	clientFlags `embed:""`
	terms       `embed:""`

	Expect    string        `default:"exact" enum:"exact,blocked" placeholder:"WHAT" help:"exact: a blocked name must have the response and the extended error that the orders prescribe. blocked: each way to block is right, for servers of other vendors."`
	BlockPage []string      `placeholder:"IP" help:"The address of a block page of the server. The flag can be repeated."`
	Type      []string      `short:"t" default:"A" help:"A query type. The flag can be repeated."`
	ECS       bool          `name:"ecs" help:"Send the address of --client as the client subnet."`
	TCP       bool          `name:"tcp" help:"Use TCP in place of UDP."`
	CAFile    string        `name:"ca-file" placeholder:"FILE" help:"Trust only the certificate authorities in FILE (PEM), for tls and https."`
	TLSName   string        `name:"tls-name" placeholder:"NAME" help:"The name in the certificate of the server, for tls and https."`
	Timeout   time.Duration `default:"3s" placeholder:"DURATION" help:"The time limit for an answer (default 3s)."`
	Rate      int           `default:"20" placeholder:"N" help:"The largest number of questions in a second (default 20)."`
	Limit     int           `default:"2000" placeholder:"N" help:"The largest number of questions (default 2000)."`
	Sample    int           `placeholder:"N" help:"Ask about N names of the orders, chosen at random."`
	Seed      uint64        `placeholder:"N" help:"The seed of --sample. Equal seeds choose equal names."`
	Sealed    bool          `help:"Ask about the names of sealed orders too, and show them."`
	All       bool          `help:"Print each answer, also the right answers."`
	Output    string        `short:"o" default:"text" enum:"text,json" placeholder:"FORMAT" help:"The format: text or json."`
	Journal   string        `placeholder:"DIR" help:"Write the answers into the journal in DIR, which must belong to blocklistctl."`
	Name      string        `placeholder:"NAME" help:"The name of the journal of --journal, for example dns.example.net/probe/1."`
}

// Help returns the description and the example for --help.
func (*probeCmd) Help() string {
	return `Asks a DNS server for the targets in force, for a name below each target, and for the names that must pass: exceptions, lifted names, targets of ended orders, and names beside exact targets. The server can be of any vendor. The answers are judged for the client that you state. The server sees the address of this machine, so ask from a machine of such a client, or use --ecs with a server that accepts it.

Answers can come from a cache, and then show an earlier state. A denial without a sign of a filter cannot be told apart from a name that does not exist, and is reported as unclear. The exit code is 0 if no answer is wrong or missing, else 1.

Example:

  blocklistctl probe 192.0.2.53 --corefile /etc/coredns/Corefile --country IT
  blocklistctl probe tls://dns.example.net /etc/coredns/orders/ --country IT --expect blocked --sample 200
  blocklistctl probe 192.0.2.53 /etc/coredns/orders/ --country IT --journal /var/lib/blocklist/probe --name dns.example.net/probe/1`
}

// A probing is a run of probe.
type probing struct {
	*probeCmd
	server *dnsclient.Client
	set    *ruleset.Set
	client explain.Client
	who    string // the client as text
	rules  probe.Rules
	subnet netip.Prefix
	plan   *probe.Plan
	notes  []string
	others int // the number of targets in force that are addresses or URLs
}

// Run asks the server.
func (c *probeCmd) Run(e *env) error {
	e.sealed = c.Sealed
	if err := e.format(&c.Output, "text"); err != nil {
		return err
	}
	p, err := c.prepare(e)
	if err != nil {
		return err
	}
	defer p.server.Close()
	j, err := c.openJournal(e)
	if err != nil {
		return err
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	tick := time.NewTicker(time.Second / time.Duration(c.Rate))
	defer tick.Stop()
	results, stopped := probe.Run(ctx, p.server, p.plan.Questions, probe.RunOptions{
		Set: p.set, Client: p.client.Client, Rules: p.rules, Query: p.query, Now: e.now, Tick: tick.C,
		Done: func(n int) { e.progress.say("%d of %d questions asked", n, len(p.plan.Questions)) },
	})
	e.progress.clear()
	if errors.Is(stopped, context.Canceled) {
		stopped = errors.New("the probe was interrupted")
	}
	if err := j.write(p.server.String(), results); err != nil {
		return err
	}
	bad := p.print(e, results, stopped)
	if bad || stopped != nil {
		return errProblems
	}
	return nil
}

func (c *probeCmd) prepare(e *env) (*probing, error) {
	p := &probing{probeCmd: c}
	opt, err := c.options(p)
	if err != nil {
		return nil, err
	}
	s, err := c.serverFlags.server(c.Orders)
	if err != nil {
		return nil, err
	}
	if err := c.apply(s); err != nil {
		return nil, err
	}
	if p.client, err = c.client(s); err != nil {
		return nil, err
	}
	p.who = p.client.Text(s.Config)
	if s.Store.Shadow {
		return nil, fmt.Errorf("server block %s is in shadow, so it blocks no name, and a probe has nothing to compare", s.block)
	}
	l, err := e.mustLoad(s.Store.Patterns, s, nil)
	if err != nil {
		return nil, err
	}
	e.progress.clear()
	p.set, p.rules.Answer = l.set, &s.Answer
	opt.Client, opt.AnyCountry, opt.AnyAddress = p.client.Client, p.client.AnyCountry, p.client.AnyAddress
	opt.Now = order.FromTime(e.now())
	opt.Serves = func(n dname.Name) bool {
		other, refused := s.elsewhere(n)
		return !refused && (other == nil || other.Config != nil && c.Block == "")
	}
	p.plan = probe.NewPlan(l.set, opt)
	if n := len(p.plan.Questions); n > c.Limit {
		return nil, misuse("the orders have %s, more than --limit %d: use --sample N, or a larger --limit", count(n, "question"), c.Limit)
	}
	for x := range l.set.OrderStates(opt.Now) {
		if x.State == ruleset.InForce && !x.Lift {
			p.others += x.Others
		}
	}
	p.notes = p.limits(s)
	return p, nil
}

// options checks the flags that need no order file.
func (c *probeCmd) options(p *probing) (opt probe.Options, err error) {
	switch {
	case c.Rate < 1 || c.Rate > 10000:
		return opt, misuse("--rate must be from 1 to 10000, got %d", c.Rate)
	case c.Limit < 1:
		return opt, misuse("--limit must be at least 1, got %d", c.Limit)
	case c.Sample < 0:
		return opt, misuse("--sample must be at least 1, got %d", c.Sample)
	case c.Timeout < time.Millisecond || c.Timeout > time.Minute:
		return opt, misuse("--timeout must be from 1ms to 1m, got %s", c.Timeout)
	case c.ECS && c.Client == "":
		return opt, misuse("--ecs needs --client IP")
	case (c.Journal == "") != (c.Name == ""):
		return opt, misuse("--journal and --name must be used together")
	}
	for _, s := range c.Type {
		t, ok := explain.ParseType(s)
		if !ok || t == dns.TypeAXFR || t == dns.TypeIXFR || t == dns.TypeOPT {
			return opt, misuse("--type must be a query type such as A or HTTPS, got %q", s)
		}
		if !slices.Contains(opt.Types, t) {
			opt.Types = append(opt.Types, t)
		}
	}
	for _, s := range c.BlockPage {
		a, err := netip.ParseAddr(s)
		if err != nil {
			return opt, misuse("--block-page must be an IP address, got %q", s)
		}
		p.rules.Pages = append(p.rules.Pages, a.Unmap())
	}
	p.rules.Exact = c.Expect == "exact"
	if c.ECS {
		a, err := netip.ParseAddr(c.Client)
		if err != nil {
			return opt, misuse("--client must be an IP address, got %q", c.Client)
		}
		p.subnet = netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen())
	}
	config := &tls.Config{ServerName: c.TLSName}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return opt, misuse("--ca-file: %v", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return opt, misuse("--ca-file: %s has no certificate", c.CAFile)
		}
	}
	if p.server, err = dnsclient.New(c.Address, dnsclient.Options{TCP: c.TCP, TLS: config, Timeout: c.Timeout, Tries: 2}); err != nil {
		return opt, misuse("%v", err)
	}
	opt.Sealed, opt.Sample, opt.Seed = c.Sealed, c.Sample, c.Seed
	return opt, nil
}

// query makes the query for a question.
func (p *probing) query(q *probe.Question) *dns.Msg {
	m := new(dns.Msg).SetQuestion(q.Name.FQDN(), q.Type)
	m.SetEdns0(1232, false)
	if p.subnet.IsValid() {
		family := uint16(1)
		if p.subnet.Addr().Is6() {
			family = 2
		}
		opt := m.IsEdns0()
		opt.Option = append(opt.Option, &dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: family, SourceNetmask: uint8(p.subnet.Bits()), Address: p.subnet.Addr().AsSlice()})
	}
	return m
}

// The notes are about the names and settings that the probe does not check.
func (p *probing) limits(s *server) (notes []string) {
	add := func(n int, format string, args ...any) {
		if n > 0 {
			notes = append(notes, fmt.Sprintf(format, args...))
		}
	}
	if len(p.plan.Questions) == 0 {
		notes = append(notes, "the orders have no name to ask about, so nothing was asked")
	}
	if p.plan.Names < p.plan.All {
		notes = append(notes, fmt.Sprintf("a sample of %d of %s (--seed %d)", p.plan.Names, count(p.plan.All, "name"), p.Seed))
	}
	add(p.plan.Sealed, "not asked: %s of sealed orders (--sealed asks about them, and shows them to the server)", count(p.plan.Sealed, "name"))
	add(p.plan.ClientDependent, "not asked: %s whose block depends on the client (state --country and --client)", count(p.plan.ClientDependent, "name"))
	add(p.plan.Elsewhere, "not asked: %s that the server block does not decide about", count(p.plan.Elsewhere, "name"))
	add(p.others, "not asked, because a probe asks only about names: %s in force by address or URL", count(p.others, "target"))
	if s.block == nil && p.rules.Exact {
		notes = append(notes, "without --corefile, the settings of the server are unknown, for example response and protect")
	}
	if s.block != nil && s.block.View {
		notes = append(notes, "the view plugin decides which queries the server block receives; probe does not evaluate its expression")
	}
	return notes
}
