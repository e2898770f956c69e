package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/report"
)

type reportFlags struct {
	serverFlags `embed:""`
	Journal     []string `sep:"none" placeholder:"DIR" help:"The directory of a journal, or of the journals that \"evidence collect\" wrote. The flag can be repeated."`
	Key         []string `sep:"none" placeholder:"KEY" help:"The public key of a journal, as text or as a file. The flag can be repeated. Without --key, the key comes from the journal itself."`
	Sealed      bool     `help:"Show sealed orders, and the targets that orders do not disclose."`
}

// The function reads the order files and checks the journals. Without order files, the orders come
// from the journals.
func (f *reportFlags) data(e *env, orders []string) (d *report.Data, opt report.Options, err error) {
	e.sealed = f.Sealed
	keys := map[string]note.Verifier{}
	for _, k := range f.Key {
		v, err := (&keyFlag{k}).verifier()
		if err != nil {
			return nil, opt, err
		}
		keys[v.Name()] = v
	}
	var files []report.File
	var shown map[string]order.Disclosure
	if len(orders) > 0 || f.Corefile != "" || os.Getenv(corefileVariable) != "" || len(f.Journal) == 0 {
		s, err := f.server(orders)
		if err != nil {
			return nil, opt, err
		}
		l, err := e.mustLoad(s.Store.Patterns, s, nil)
		if err != nil {
			return nil, opt, err
		}
		shown, opt.States = disclosures(l.all()), l.set.OrderStates
		for _, x := range l.files {
			files = append(files, report.File{Path: x.Path, Orders: x.Orders, Zone: x.Zone})
		}
	}
	var nodes []*report.Node
	for _, dir := range f.Journal {
		e.progress.say("checking %s", dir)
		n, err := report.Open(dir, keys)
		if err != nil {
			return nil, opt, err
		}
		nodes = append(nodes, n...)
		for _, n := range n {
			delete(keys, n.Name)
		}
	}
	for name := range keys {
		return nil, opt, misuse("--key is the key of %s, but no journal has this name", printable.Line(name))
	}
	e.progress.say("reading the orders")
	d, err = report.Load(files, nodes)
	e.progress.clear()
	opt.Now, opt.Sealed = e.now(), f.Sealed
	opt.Disclosure = func(id string) order.Disclosure { return shown[id] }
	return d, opt, err
}

// reportCmd is the command "blocklistctl report".
type reportCmd struct {
	Orders      []string `arg:"" optional:"" help:"Order files, directories and globs, as in the Corefile. Without order files, the versions in the journals are read."`
	reportFlags `embed:""`
	From        string            `required:"" placeholder:"DATE" help:"The first day of the period, or its first moment."`
	To          string            `required:"" placeholder:"DATE" help:"The last day of the period, or the first moment after it."`
	Format      string            `short:"o" default:"text" enum:"text,json,csv,html,dsa,lumen" placeholder:"FORMAT" help:"The format: text, json, csv, html (one page, for a browser and for printing), dsa (Part 3 of the transparency report of Regulation (EU) 2024/2835) or lumen (notices for the Lumen database)."`
	Service     string            `placeholder:"NAME" help:"The name of the service, for --format dsa."`
	Provider    string            `placeholder:"NAME" help:"The name of the operator, for --format lumen."`
	Map         map[string]string `mapsep:"none" placeholder:"WORD=CODE" help:"The code of the regulation for a word in the field category, for --format dsa. The flag can be repeated."`
}

// Help returns the description and the example for --help.
func (*reportCmd) Help() string {
	return `Shows for each order when it was received, acknowledged, in force on each server, reported and ended, and how many answers it changed. The times in force come from the journals of the servers. Each journal is checked first. The exit code is 1 if a journal has a fault.

Example:

  blocklistctl report /etc/coredns/orders/ --from 2026-01-01 --to 2026-03-31 --journal node1 --journal node2
  blocklistctl report --from 2026-01-01 --to 2026-12-31 --journal collected --format html > report.html
  blocklistctl report orders/ --from 2026-01-01 --to 2026-12-31 --journal collected --format dsa --service "Example DNS" > 3_member_states_orders.csv`
}

// Run writes the report.
func (c *reportCmd) Run(e *env) error {
	switch {
	case e.json && c.Format != "text" && c.Format != "json":
		return misuse("--json and --format %s exclude each other", c.Format)
	case c.Format == "dsa" && strings.TrimSpace(c.Service) == "":
		return misuse("--format dsa requires --service NAME")
	case c.Format == "lumen" && strings.TrimSpace(c.Provider) == "":
		return misuse("--format lumen requires --provider NAME")
	case c.Format == "lumen" && c.Sealed:
		return misuse("--sealed cannot be used with --format lumen, because the database is public")
	case len(c.Map) > 0 && c.Format != "dsa":
		return misuse("--map requires --format dsa")
	}
	words := map[string]string{}
	for word, code := range c.Map {
		if err := report.CheckDSACode(code); err != nil {
			return misuse("--map: %v", err)
		}
		words[strings.ToLower(strings.TrimSpace(word))] = code
	}
	setGC(tightGC)
	d, opt, err := c.data(e, c.Orders)
	if err != nil {
		return err
	}
	if opt.From, opt.To, err = period(c.From, c.To, e.present(), d.Zone); err != nil {
		return err
	}
	r := report.Collect(d, opt)
	if err := c.write(e, r, d, words); err != nil {
		return err
	}
	return e.faults(r.Faults, c.Format == "text" && !e.json)
}

// The second result is the first moment after the period.
func period(from, to string, now order.Time, zone *time.Location) (begin, end time.Time, err error) {
	f, err := parseMoment("--from", from, now, zone)
	if err != nil {
		return begin, end, err
	}
	t, last, err := parseDate("--to", to, now, zone)
	if err != nil {
		return begin, end, err
	}
	begin, end = f.Time(), t.Time()
	if day, err := time.Parse(time.DateOnly, last); err == nil { // the day belongs to the period
		end = time.Date(day.Year(), day.Month(), day.Day()+1, 0, 0, 0, 0, zone)
	}
	if !begin.Before(end) {
		return begin, end, misuse("--to must be later than --from, got %q", to)
	}
	return begin, end, nil
}

func (e *env) faults(faults []string, said bool) error {
	if len(faults) == 0 {
		return nil
	}
	if !said {
		for _, f := range faults {
			e.say("FAULT: %s", f)
		}
	}
	e.say("the journals have faults, and a journal with a fault is no evidence: see blocklistctl evidence verify")
	return errProblems
}

// write writes the report in its format.
func (c *reportCmd) write(e *env, r *report.Report, d *report.Data, words map[string]string) error {
	notes := func(notes []string) {
		for _, n := range notes {
			e.say("note: %s", n)
		}
	}
	if e.json {
		return r.WriteJSON(e.stdout, printableJSON)
	}
	switch c.Format {
	case "json":
		return r.WriteJSON(e.stdout, printableJSON)
	case "html":
		return r.WriteHTML(e.stdout, d)
	case "text":
		return r.WriteText(e.stdout)
	}
	for _, n := range r.Nodes {
		if n.Silent != "" {
			e.say("silent: %s: %s", n.Node, n.Silent)
		}
	}
	switch c.Format {
	case "dsa":
		dsa, problems, err := r.DSA(report.DSAOptions{Service: c.Service, Words: words})
		if err != nil {
			return misuse("--format dsa: %v", err)
		}
		for _, p := range problems {
			e.say("%s", p)
		}
		if len(problems) > 0 {
			e.say("nothing is written; --map WORD=CODE gives the code for a word, and a code can be the category of an order")
			return errProblems
		}
		notes(dsa.Notes)
		return dsa.WriteCSV(e.stdout)
	case "lumen":
		list, left := r.Lumen(c.Provider)
		notes(left)
		for _, n := range list {
			line, err := json.Marshal(n)
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintln(e.stdout, printableJSON(string(line))); err != nil {
				return err
			}
		}
		return nil
	}
	notes(r.Notes)
	return r.WriteCSV(e.stdout)
}
