package main

import (
	"cmp"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/status"
)

// remote shows the orders of a server that match.
func (c *showCmd) remote(e *env, subject string, files []string) error {
	if err := c.only(map[string]bool{"ORDERS": len(files) > 0, "--corefile": c.Corefile != "", "--block": c.Block != "", "--protect": c.Protect != nil,
		"--at": c.At != "", "--all": c.All, "--sealed": c.Sealed}); err != nil {
		return err
	}
	servers, err := c.remotes(e, c.Server)
	if err != nil {
		return err
	}
	var out status.Orders
	if err := servers[0].document("orders", nil, &out); err != nil {
		return err
	}
	if out.Orders = matchingRemote(out.Orders, subject); len(out.Orders) == 0 {
		return fmt.Errorf("%s: no order has the id, the digest or the first reference %q; blocklistctl explain NAME --server URL looks for a name", servers[0], subject)
	}
	if e.json {
		return e.writeJSON(&out)
	}
	for i := range out.Orders {
		if i > 0 {
			fmt.Fprintln(e.stdout)
		}
		printRemote(e.stdout, &out.Orders[i])
	}
	fmt.Fprintf(e.stdout, "\nThe status of a server has no dates, names and other fields of orders. The order files have them.\n")
	return nil
}

// The text is compared with ids, digests and references. If nothing matches, the function searches
// parts of references.
func matchingRemote(all []status.Order, text string) []status.Order {
	want := simple(text)
	for _, is := range []func(o *status.Order) bool{
		func(o *status.Order) bool { return o.ID == text },
		func(o *status.Order) bool { return simple(o.Reference) == want },
		func(o *status.Order) bool { return len(want) >= 3 && strings.Contains(simple(o.Reference), want) },
	} {
		var found []status.Order
		for i := range all {
			if is(&all[i]) {
				found = append(found, all[i])
			}
		}
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

// printRemote prints an order of a server.
func printRemote(w io.Writer, o *status.Order) {
	line := func(key, text string) {
		if text != "" {
			fmt.Fprintf(w, "  %-14s %s\n", key+":", printable.Line(text))
		}
	}
	what := "an order"
	switch {
	case o.Sealed:
		what = strings.TrimSpace("a sealed " + o.Action + " order")
	case o.Action != "":
		what = map[string]string{"block": "a block order", "lift": "a lift"}[o.Action] + " of " + cmp.Or(o.Authority, "an unknown authority")
	}
	fmt.Fprintln(w, printable.Line(o.ID+": "+what))
	state := o.State
	if o.Until != "" {
		state += "; it may change at " + o.Until
	}
	line("state", state)
	line("set", o.Set)
	if !o.Sealed && o.State != status.Gone {
		line("reference", o.Reference)
		line("disclosure", o.Disclosure)
		line("file", o.File)
		line("targets", fmt.Sprint(o.Targets))
	}
	line("hits", fmt.Sprintf("%d in the last 24 hours, and %d in shadow", o.Hits, o.Shadow))
	for _, b := range o.PerBlock {
		var hits, shadow uint64
		for _, h := range b.Hours {
			hits, shadow = hits+h.Hits, shadow+h.Shadow
		}
		line("  "+b.Block, fmt.Sprintf("%d, and %d in shadow", hits, shadow))
	}
}

type remoteDue struct {
	Server string `json:"server"`
	// At is the time of the server's clock.
	At    string `json:"at"`
	Until string `json:"until"`
	// These are the alarms of the server and the problems of its files.
	Problems []string `json:"problems"`
	// Useless is the number of lifts that end nothing.
	Useless int `json:"lifts_reaching_nothing"`
	// The state of these orders may change before Until. The earliest change comes first.
	Changes []status.Order `json:"changes"`
	Notes   []string       `json:"notes"`
}

// remoteNote says what a status does not have.
const remoteNote = "The status of a server has no deadlines, reviews and messages to authorities. blocklistctl due ORDERS reads them in the order files."

func (c *dueCmd) remote(e *env) error {
	if err := c.only(map[string]bool{"ORDERS": len(c.Orders) > 0, "--corefile": c.Corefile != "", "--block": c.Block != "", "--protect": c.Protect != nil,
		"--at": c.At != "", "--only": c.Only != nil, "--sealed": c.Sealed, "-o " + c.Output: c.Output != "text" && c.Output != "json"}); err != nil {
		return err
	}
	servers, err := c.remotes(e, c.Server)
	if err != nil {
		return err
	}
	var node status.Document
	var list status.Orders
	if err := servers[0].document("status", nil, &node); err != nil {
		return err
	}
	if err := servers[0].document("orders", url.Values{}, &list); err != nil {
		return err
	}
	at, err := time.Parse(time.RFC3339, node.At)
	if err != nil {
		return fmt.Errorf("%s: the answer is not as documented: %w", servers[0], err)
	}
	y, m, d := at.UTC().Date()
	r := &remoteDue{Server: servers[0].String(), At: node.At, Until: time.Date(y, m, d+c.Days+1, 0, 0, 0, 0, time.UTC).Format(time.RFC3339),
		Problems: nodeProblems(&node), Changes: []status.Order{}, Notes: []string{remoteNote}}
	for _, s := range node.Sets {
		r.Useless += s.UselessLifts
	}
	for _, b := range node.Blocks {
		if b.Mode == "shadow" {
			r.Notes = append(r.Notes, "Server block "+b.Name+" is in shadow: no order changes an answer.")
		}
	}
	for _, o := range list.Orders {
		if o.Until != "" && o.Until <= r.Until {
			r.Changes = append(r.Changes, o)
		}
	}
	slices.SortStableFunc(r.Changes, func(a, b status.Order) int { return cmp.Compare(a.Until, b.Until) })
	if e.json {
		err = e.writeJSON(r)
	} else {
		err = r.write(e.stdout, c.All)
	}
	if err == nil && len(r.Problems) > 0 {
		return errProblems
	}
	return err
}

func nodeProblems(d *status.Document) []string {
	out := slices.Clone(d.Alarms)
	for _, s := range d.Sets {
		for _, f := range s.Files {
			switch {
			case f.Problem != "":
				out = append(out, f.Path+": "+f.Problem)
			case f.Expired:
				out = append(out, f.Path+": the file has expired; its orders stay in force")
			}
		}
		if !s.Ready {
			out = append(out, fmt.Sprintf("set %.12s: the server is not ready", s.Digest))
		}
	}
	if out == nil {
		return []string{}
	}
	return out
}

// write writes the report as text.
func (r *remoteDue) write(w io.Writer, all bool) error {
	fmt.Fprintf(w, "%s at %s, and until %s.\n", r.Server, printable.Line(r.At), r.Until)
	for _, n := range r.Notes {
		fmt.Fprintln(w, printable.Line(n))
	}
	section := func(title, meaning string, lines []string) {
		fmt.Fprintf(w, "\n%s: %d.", title, len(lines))
		if len(lines) > 0 {
			fmt.Fprint(w, " "+meaning)
		}
		fmt.Fprintln(w)
		for i, l := range lines {
			if i == textItems && !all {
				fmt.Fprintf(w, "  ... and %d more; --all shows all\n", len(lines)-i)
				break
			}
			fmt.Fprintln(w, "  "+printable.Line(l))
		}
	}
	section("PROBLEMS", "The server reports these problems.", r.Problems)
	var lines []string
	for _, o := range r.Changes {
		text := fmt.Sprintf("%s  %-9s  %s", o.Until, o.State, o.ID)
		if about := strings.Join(slices.DeleteFunc([]string{o.Authority, o.Reference}, func(s string) bool { return s == "" }), "; "); about != "" {
			text += " (" + about + ")"
		}
		lines = append(lines, text)
	}
	section("CHANGES", "The state of the order may change at this time.", lines)
	_, err := fmt.Fprintf(w, "\nLifts that end nothing: %d.\n", r.Useless)
	return err
}
