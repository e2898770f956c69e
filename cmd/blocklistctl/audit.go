package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/dns-orders/blocklist/plugin/audit"
	"github.com/dns-orders/blocklist/plugin/diff"
	"github.com/dns-orders/blocklist/plugin/dnsclient"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// auditCmd is the command "blocklistctl audit".
type auditCmd struct {
	Orders      []string `arg:"" optional:"" help:"Order files, directories and globs, as in the Corefile."`
	serverFlags `embed:""`
	Resolver    string `required:"" placeholder:"ADDRESS" help:"A resolver that blocks no name: an address, with or without a port, tls://HOST or https://HOST/dns-query."`
	Before      string `placeholder:"FILE" help:"The CSV or JSON output of an earlier audit. The report then shows names that have moved since."`
	Known       string `placeholder:"FILE" help:"A table of services that park and seize names, instead of the table of the tool."`
	Sample      int    `placeholder:"N" help:"Ask about N targets only. The same orders always give the same targets."`
	Rate        int    `default:"100" placeholder:"N" help:"The largest number of queries in a second (default 100)."`
	Output      string `short:"o" default:"text" enum:"text,json,csv" placeholder:"FORMAT" help:"The format: text, json or csv."`
	All         bool   `help:"Show all targets of each class. The default for text is 20."`
	Sealed      bool   `help:"Ask about the targets of sealed orders too, and about targets that orders do not disclose. The queries reveal the names to the resolver."`
}

// Help returns the description and the example for --help.
func (*auditCmd) Help() string {
	return `Asks a resolver about each name that an order blocks now, and finds names that do not exist, are parked, are seized, or have no address. With --before, it also finds names that have moved. If a stranger registers a dead name, the order blocks the stranger.

The queries reveal the names to the resolver. Sealed orders are therefore left out without --sealed. A missing answer gives the class unknown, and never the class gone. The exit code is 1 if the files have errors, if the resolver blocks names, or if the audit ended early. Findings alone do not change the exit code.

Example:

  blocklistctl audit /etc/coredns/orders/ --resolver 192.0.2.53 -o csv > audit.csv
  blocklistctl audit --corefile /etc/coredns/Corefile --resolver 192.0.2.53 --before audit.csv`
}

const (
	auditWorkers = 32
	auditTries   = 3
	auditTimeout = 5 * time.Second
	auditItems   = 20      // the targets of a class that are shown without --all
	maxRate      = 100_000 // the largest value of --rate
	maxBefore    = 1 << 30 // the largest size of the file --before, in bytes
	maxKnown     = 1 << 20 // the largest size of the file --known, in bytes
)

// Run asks about the targets and writes the report.
func (c *auditCmd) Run(e *env) error {
	e.sealed = c.Sealed
	if err := e.format(&c.Output, "text"); err != nil {
		return err
	}
	resolver, err := c.resolver()
	if err != nil {
		return err
	}
	opt := audit.Options{Resolver: resolver, Known: audit.Builtin(), Workers: auditWorkers}
	if err := c.files(&opt); err != nil {
		return err
	}
	now := e.present()
	s, err := c.server(c.Orders)
	if err != nil {
		return err
	}
	l, err := e.mustLoad(s.Store.Patterns, s, nil)
	if err != nil {
		return err
	}
	targets, hidden := c.targets(l, s, now)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	signals, release := interrupted()
	defer release()
	go func() {
		select {
		case <-signals:
			stop()
		case <-ctx.Done():
		}
	}()
	opt.Progress = func(done, all int) { e.progress.say("asked about %d of %d domains", done, all) }
	invents := c.invents(ctx, resolver, targets)
	r := audit.Run(ctx, targets, opt)
	e.progress.clear()
	return c.report(e, r, now, resolver, hidden, invents)
}

// resolver parses --resolver and --rate.
func (c *auditCmd) resolver() (*dnsclient.Client, error) {
	if c.Rate < 1 || c.Rate > maxRate {
		return nil, misuse("--rate must be from 1 to %d, got %d", maxRate, c.Rate)
	}
	if c.Sample < 0 {
		return nil, misuse("--sample must be a number of targets, got %d", c.Sample)
	}
	r, err := dnsclient.New(c.Resolver, dnsclient.Options{Timeout: auditTimeout, Tries: auditTries, Interval: time.Second / time.Duration(c.Rate), NoName: true})
	if err != nil {
		return nil, misuse("--resolver: %v", err)
	}
	return r, nil
}

// files reads the files of --before and --known.
func (c *auditCmd) files(opt *audit.Options) error {
	if c.Before != "" {
		data, err := readWhole(c.Before, maxBefore)
		if err == nil {
			opt.Before, err = audit.ParseBefore(data)
		}
		if err != nil {
			return fmt.Errorf("--before %s: %w", c.Before, err)
		}
	}
	if c.Known != "" {
		data, err := readWhole(c.Known, maxKnown)
		if err != nil {
			return fmt.Errorf("--known %s: %w", c.Known, err)
		}
		known, problems := audit.ParseKnown(c.Known, string(data))
		if len(problems) > 0 {
			return errors.Join(problems...)
		}
		opt.Known = known
	}
	return nil
}

func readWhole(path string, most int64) ([]byte, error) {
	f, err := openFile(path, most)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// The first result contains the names that the orders block now. The second result is the number of
// omitted sealed names.
func (c *auditCmd) targets(l *orders, s *server, now order.Time) (out []audit.Target, hidden int) {
	states, shown := l.states(now), disclosures(l.all())
	for _, f := range l.files {
		for _, o := range f.Orders {
			if o.Lifting() || states[o.ID].State != ruleset.InForce {
				continue
			}
			if shown[o.ID] != order.Full && !c.Sealed {
				hidden += states[o.ID].Names
				continue
			}
			redirects, clients := slices.Concat(s.Store.Rules.Response.Addresses, o.Response.Addresses), clientsOf(o)
			add := func(t *order.Target, line int) {
				if t.Kind == order.TargetName && l.blocksNow(o.ID, t, clients, now) {
					out = append(out, audit.Target{Name: t.Name, Match: t.Match, Text: t.String(), Redirects: redirects, Order: o.ID,
						Authority: diff.Authority(o.Authority), References: o.References, File: f.Path, Line: line})
				}
			}
			for i := range o.Targets {
				add(&o.Targets[i], o.Targets[i].Line)
			}
			if o.Side != nil {
				for n := range o.Side.Names.All() {
					add(&order.Target{Kind: order.TargetName, Match: order.Subtree, Name: n}, o.Line)
				}
			}
		}
	}
	return sample(out, c.Sample), hidden
}

// clientsOf returns an example client for each country and network of the scope.
func clientsOf(o *order.Order) []ruleset.Client {
	out := []ruleset.Client{{}}
	for _, cc := range o.Scope.Countries {
		if cc == order.EU {
			cc = "BE"
		}
		out = append(out, ruleset.Client{Country: cc})
	}
	for _, n := range o.Scope.Clients {
		out = append(out, ruleset.Client{Addr: n.Addr()})
	}
	return out
}

func (l *orders) blocksNow(id string, t *order.Target, clients []ruleset.Client, now order.Time) bool {
	var q ruleset.QName
	name := t.Name.FQDN()
	if t.Match == order.BelowOnly {
		name = "www." + name
	}
	if !q.Set(name) {
		return false
	}
	return slices.ContainsFunc(clients, func(c ruleset.Client) bool {
		_, reasons := l.set.Reasons(&q, c, now)
		return slices.ContainsFunc(reasons, func(r ruleset.Reason) bool {
			return r.Order.ID == id && r.Target == t.Name && r.Match == t.Match && (r.Why == ruleset.Decides || r.Why == ruleset.Outranked)
		})
	})
}

func sample(targets []audit.Target, n int) []audit.Target {
	if n == 0 || n >= len(targets) {
		return targets
	}
	at := make([]int, len(targets))
	digests := make([][sha256.Size]byte, len(targets))
	for i := range targets {
		at[i], digests[i] = i, sha256.Sum256([]byte(targets[i].Order+"\x00"+targets[i].Text))
	}
	slices.SortStableFunc(at, func(a, b int) int { return slices.Compare(digests[a][:], digests[b][:]) })
	at = at[:n]
	slices.Sort(at)
	out := make([]audit.Target, n)
	for i, k := range at {
		out[i] = targets[k]
	}
	return out
}

func (c *auditCmd) invents(ctx context.Context, r dnsclient.Exchanger, targets []audit.Target) string {
	if len(targets) == 0 {
		return ""
	}
	name := targets[0].Name.String()
	var label [12]byte
	rand.Read(label[:])
	name = hex.EncodeToString(label[:]) + "." + name[strings.LastIndexByte(name, '.')+1:]
	m, err := r.Exchange(ctx, new(dns.Msg).SetQuestion(name+".", dns.TypeA).SetEdns0(1232, false))
	if err != nil || len(m.Answer) == 0 {
		return ""
	}
	return name
}
