package main

import (
	"fmt"
	"strings"

	"github.com/dns-orders/blocklist/plugin/due"
	"github.com/dns-orders/blocklist/plugin/order"
)

// dueCmd is the command "blocklistctl due".
type dueCmd struct {
	Orders      []string `arg:"" optional:"" help:"Order files, directories and globs, as in the Corefile."`
	serverFlags `embed:""`
	remoteFlags `embed:""`
	Days        int      `default:"7" placeholder:"N" help:"The number of days after today that the report covers (default 7)."`
	At          string   `placeholder:"TIME" help:"Report for this time instead of now."`
	Output      string   `short:"o" default:"text" enum:"text,json,csv,html,ics" placeholder:"FORMAT" help:"The format: text, json, csv, html (one page, for a browser and for printing) or ics (a calendar)."`
	Only        []string `placeholder:"SECTION" words:"behind,late,at_risk,starts,ends,review,unreached,incomplete,not_acknowledged,not_reported" help:"Show only these sections, separated by commas: behind, late, at_risk, starts, ends, review, unreached, incomplete, not_acknowledged, not_reported."`
	All         bool     `help:"Show all items of each section. The default for text is 10, and for html 200."`
	Sealed      bool     `help:"Show the ids, dates and targets of sealed orders, and the targets that orders do not disclose."`
}

// Help returns the description and the example for --help.
func (*dueCmd) Help() string {
	return `Shows the orders that need a person today and in the next days: missed deadlines, orders that begin and end, reviews, lifts that end nothing, and missing messages to authorities. Below each item is the command to type next. With --server, it shows the problems of a server, and the orders whose state may change; a server does not know the deadlines. The exit code is 1 if an order is behind its deadline, or if a file has errors.

Example:

  blocklistctl due /etc/coredns/orders/
  blocklistctl due --corefile /etc/coredns/Corefile --days 14 -o html > due.html
  blocklistctl due --server http://127.0.0.1:9253`
}

const (
	textItems = 10
	pageItems = 200
)

// maxDays is the largest value of --days.
const maxDays = 3660

// Run writes the report.
func (c *dueCmd) Run(e *env) error {
	e.sealed = c.Sealed
	if err := e.format(&c.Output, "text"); err != nil {
		return err
	}
	if c.Days < 0 || c.Days > maxDays {
		return misuse("--days must be from 0 to %d, got %d", maxDays, c.Days)
	}
	for _, name := range c.Only {
		if err := oneOf("--only", name, due.SectionNames()); err != nil {
			return err
		}
	}
	if c.Server != "" {
		return c.remote(e)
	}
	c.Orders = c.obvious(e, c.Orders)
	s, err := c.server(c.Orders)
	if err != nil {
		return err
	}
	now, present, err := e.times(c.At, s)
	if err != nil {
		return err
	}
	var notes []string
	if now != present {
		notes = append(notes, "the report is about the present order files, which may be different at "+now.String())
	}
	if s.block == nil {
		notes = append(notes, "without --corefile, the settings of the server are unknown, for example country, home and protect")
	}
	if s.Store.Shadow {
		notes = append(notes, "server block "+s.block.String()+" is in shadow: no order changes an answer, whatever the report says below")
	}
	l := e.load(s.Store.Patterns, s, datedBefore(now, present))
	shown := disclosures(l.all())
	opt := due.Options{Set: l.set, Now: now, Days: c.Days, Notes: notes, Only: c.Only, Sealed: c.Sealed,
		Disclosure: func(o *order.Order) order.Disclosure { return shown[o.ID] },
		Command:    c.command}
	for _, v := range l.versions {
		opt.Files = append(opt.Files, due.File{Path: v.Path, Orders: v.File.Orders, Zone: zoneOf(v.File), Expires: v.File.Expires, Register: v.File.Source != nil})
	}
	bad := l.shown(l.problems.Errors(), c.Sealed)
	bad.Sort()
	for _, p := range bad {
		opt.Problems = append(opt.Problems, problemText(p))
	}
	if !c.All {
		opt.Limit = map[string]int{"text": textItems, "html": pageItems}[c.Output]
	}
	e.progress.say("collecting")
	r := due.Collect(opt)
	e.progress.clear()
	if err := c.write(e, r); err != nil {
		return err
	}
	if r.Behind || len(bad) > 0 {
		if c.Output == "csv" || c.Output == "ics" { // the other formats contain the problems
			for _, p := range opt.Problems {
				fmt.Fprintln(e.stderr, p)
			}
		}
		if c.Output != "text" {
			e.say("%s", r.Verdict())
		}
		return errProblems
	}
	return nil
}

// write writes the report to standard output.
func (c *dueCmd) write(e *env, r *due.Report) error {
	switch c.Output {
	case "json":
		return e.writeJSON(r)
	case "csv":
		return r.WriteCSV(e.stdout)
	case "html":
		return r.WriteHTML(e.stdout)
	case "ics":
		return r.WriteICS(e.stdout)
	}
	return r.WriteText(e.stdout)
}

// The names of other files may be secret, so the command line contains only one order file.
func (c *dueCmd) command(command, subject, file string) string {
	orders := c.Orders
	if len(orders) > 1 {
		orders = []string{file}
	}
	args := []string{"blocklistctl", command, shellWord(subject)}
	switch command {
	case "check":
	case "acknowledge", "reported":
		for _, path := range orders {
			args = append(args, "--orders", shellWord(path))
		}
	default:
		for _, path := range orders {
			args = append(args, shellWord(path))
		}
		if c.Sealed {
			args = append(args, "--sealed")
		}
	}
	flag := func(name, value string) {
		if value != "" {
			args = append(args, name, shellWord(value))
		}
	}
	flag("--corefile", c.Corefile)
	flag("--block", c.Block)
	for _, path := range c.Protect {
		flag("--protect", path)
	}
	return strings.Join(args, " ")
}

func shellWord(s string) string {
	plain := func(r rune) bool {
		return r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || strings.ContainsRune("-_./:@%+,=", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
