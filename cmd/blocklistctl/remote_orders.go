package main

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/status"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// remote asks a server to explain a name.
func (c *explainCmd) remote(e *env, name dname.Name, files []string) error {
	if err := c.only(map[string]bool{"ORDERS": len(files) > 0, "--corefile": c.Corefile != "", "--protect": c.Protect != nil, "--at": c.At != "", "--journal": c.Journal != "", "--sealed": c.Sealed,
		"a flag for a property of the Corefile": c.terms.given(), "--no-edns": !c.EDNS, "--do": c.DO, "--structured": c.Structured, "--size": c.Size != 1232}); err != nil {
		return err
	}
	servers, err := c.remotes(e, c.Server)
	if err != nil {
		return err
	}
	if c.Country != "" {
		cc, err := clientCountry(c.Country)
		if err != nil {
			return err
		}
		c.Country = string(cc)
	}
	q := url.Values{"name": {name.String()}, "type": {c.Type}}
	for key, v := range map[string]string{"client": c.Client, "country": c.Country, "server_block": c.Block} {
		if v != "" {
			q.Set(key, v)
		}
	}
	if e.json {
		var out status.Explanation
		if err := servers[0].document("explain", q, &out); err != nil {
			return err
		}
		return e.writeJSON(&out)
	}
	q.Set("format", "text")
	text, err := servers[0].text("explain", q)
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(e.stdout, text)
	return err
}

// remote lists the orders of a server.
func (c *listCmd) remote(e *env) error {
	if err := c.only(map[string]bool{"ORDERS": len(c.Orders) > 0, "--corefile": c.Corefile != "", "--block": c.Block != "", "--protect": c.Protect != nil,
		"--at": c.At != "", "--target": c.Target != "", "--late": c.Late, "--targets": c.Targets, "--sealed": c.Sealed,
		"--reference": c.Reference != "", "--digest": c.Digest != "", "-o wide": c.Output == "wide", "-o csv": c.Output == "csv"}); err != nil {
		return err
	}
	servers, err := c.remotes(e, c.Server)
	if err != nil {
		return err
	}
	var out status.Orders
	if err := servers[0].document("orders", url.Values{"state": c.State}, &out); err != nil {
		return err
	}
	flat := strings.NewReplacer("/", "\x00")
	out.Orders = slices.DeleteFunc(out.Orders, func(o status.Order) bool {
		if o.Sealed && (c.Authority != "" || c.ID != "") {
			return true
		}
		id, _ := path.Match(flat.Replace(c.ID), flat.Replace(o.ID))
		return c.Action != "" && o.Action != c.Action || !strings.Contains(strings.ToLower(o.Authority), strings.ToLower(c.Authority)) || c.ID != "" && !id
	})
	if e.json {
		return e.writeJSON(&out)
	}
	if len(out.Orders) == 0 {
		fmt.Fprintln(e.stdout, "no order matches")
		return nil
	}
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "STATE\tACTION\tID\tTARGETS\tHITS\tSHADOW\tUNTIL\tAUTHORITY\tREFERENCE\tFILE")
	for _, o := range out.Orders {
		row := []string{o.State, cmp.Or(o.Action, "-"), o.ID, fmt.Sprint(o.Targets), fmt.Sprint(o.Hits), fmt.Sprint(o.Shadow), cmp.Or(o.Until, "-"), cmp.Or(o.Authority, "-"), cmp.Or(o.Reference, "-"), cmp.Or(o.File, "-")}
		if o.Sealed || o.State == status.Gone {
			row[3] = "-"
		}
		for i := range row {
			row[i] = printable.Line(row[i])
		}
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	return w.Flush()
}
