package main

import (
	"fmt"

	"github.com/dns-orders/blocklist/plugin/audit"
	"github.com/dns-orders/blocklist/plugin/dnsclient"
	"github.com/dns-orders/blocklist/plugin/order"
)

// auditJSON is the JSON output of the command audit.
type auditJSON struct {
	At       string              `json:"at"`
	Resolver string              `json:"resolver"`
	Notes    []string            `json:"notes,omitempty"`
	Counts   map[audit.Class]int `json:"counts"`
	Targets  []audit.Row         `json:"targets"`
}

func (c *auditCmd) report(e *env, r *audit.Result, now order.Time, resolver *dnsclient.Client, hidden int, invents string) error {
	var notes []string
	note := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	if hidden > 0 {
		note("targets of sealed orders, and targets that orders do not disclose, were not asked about: %d (--sealed)", hidden)
	}
	if invents != "" {
		note("the resolver has an address for the random name %s, so it may invent addresses for names that do not exist", invents)
	}
	if r.Blocks > 0 {
		note("the resolver blocks names, or may block them: %d, for example %s; use a resolver without orders", r.Blocks, r.Example)
	}
	switch {
	case r.Silent:
		note("the audit ended early, because the resolver %s does not answer", resolver.Address())
	case r.Early:
		note("the audit ended early, and some names were not asked about")
	}
	if err := c.write(e, r, now, resolver, notes); err != nil {
		return err
	}
	if c.Output != "json" {
		for _, n := range notes {
			e.say("%s", n)
		}
	}
	if r.Blocks > 0 || r.Early {
		return errProblems
	}
	return nil
}

func (c *auditCmd) write(e *env, r *audit.Result, now order.Time, resolver *dnsclient.Client, notes []string) error {
	switch c.Output {
	case "csv":
		return r.WriteCSV(e.stdout)
	case "json":
		rows := r.Rows
		if rows == nil {
			rows = []audit.Row{}
		}
		return e.writeJSON(auditJSON{now.String(), resolver.Address(), notes, r.Counts(), rows})
	}
	most := auditItems
	if c.All {
		most = len(r.Rows)
	}
	fmt.Fprintf(e.stdout, "Audit at %s of %d targets, by the resolver %s.\n\n", now, len(r.Rows), resolver.Address())
	return r.WriteText(e.stdout, most)
}
