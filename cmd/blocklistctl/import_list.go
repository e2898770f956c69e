package main

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/importer"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/register"
)

// Lists of other programs lack some fields of an order. These flags give the fields.
type listFlags struct {
	File string `arg:"" help:"The file; - is standard input."`

	mergeFlags `embed:""`
	headFlags  `embed:"" group:"The order:"`
}

// rpzCmd is the command "blocklistctl import rpz".
type rpzCmd struct {
	listFlags `embed:""`
}

// Help returns the description and the example for --help.
func (*rpzCmd) Help() string {
	return `Reads a response policy zone (RPZ). The records with the same response become one order. The names with rpz-passthru become exceptions from the orders. A record with another response is an error.

Example:

  blocklistctl import rpz policy.zone --id vendor/list --authority Vendor --scope-country IT --out orders/vendor.yaml`
}

// Run imports the zone.
func (c *rpzCmd) Run(e *env) error { return c.run(e, "rpz", nil, nil) }

// hostsCmd is the command "blocklistctl import hosts".
type hostsCmd struct {
	listFlags `embed:""`
}

// Help returns the description and the example for --help.
func (*hostsCmd) Help() string {
	return `Reads a hosts file. An order blocks each name exactly, without the names below. An address such as 0.0.0.0 or 127.0.0.1 blocks a name. Another address is the address of a redirect, and each such address becomes one order. The names of the machine itself, for example localhost, are left out.

Example:

  blocklistctl import hosts hosts.txt --id vendor/hosts --authority Vendor --scope-country IT --out orders/vendor.yaml`
}

// Run imports the hosts file.
func (c *hostsCmd) Run(e *env) error { return c.run(e, "hosts", nil, nil) }

// adblockCmd is the command "blocklistctl import adblock".
type adblockCmd struct {
	listFlags `embed:""`
}

// Help returns the description and the example for --help.
func (*adblockCmd) Help() string {
	return `Reads adblock rules. The rule ||example.com^ blocks a name and all names below. The pattern *://*.example.com/* blocks the same names. The rule @@||example.com^ is an exception. A rule that does not block a whole host is left out and counted.

Example:

  blocklistctl import adblock rules.txt --id vendor/rules --authority Vendor --scope-country IT --out orders/vendor.yaml`
}

// Run imports the rules.
func (c *adblockCmd) Run(e *env) error { return c.run(e, "adblock", nil, nil) }

// csvCmd is the command "blocklistctl import csv".
type csvCmd struct {
	Column          string   `required:"" placeholder:"HEADER" help:"The header of the column with the names."`
	IssuedColumn    string   `placeholder:"HEADER" help:"The header of the column with the date of the decision. Each date becomes one order."`
	ReferenceColumn string   `placeholder:"HEADER" help:"The header of the column with the number of the decision. Each number becomes one order."`
	RemovedColumn   string   `placeholder:"HEADER" help:"The header of the column with the date of the removal, or blank cells."`
	DateForm        []string `placeholder:"FORM" help:"The form of the dates in the columns, written as the date 2006-01-02 would be written (default 2006-01-02)."`
	Separator       string   `placeholder:"C" help:"The character between two columns (default comma)."`
	Charset         string   `placeholder:"SET" help:"The character set, for example windows-1250 (default utf-8)."`

	listFlags `embed:""`
}

// Help returns the description and the example for --help.
func (*csvCmd) Help() string {
	return `Reads a table with a header. Each row blocks the name in the column of --column, unless the column of --removed-column has a date that has passed. A table with a status, or with several kinds of rows, needs a preset: see import register.

Example:

  blocklistctl import csv list.csv --column Domain --issued-column Decided --date-form 02.01.2006 --id authority/list --authority Authority --scope-country IT --out orders/authority.yaml`
}

// Run imports the table.
func (c *csvCmd) Run(e *env) error {
	given := map[string]string{"column": c.Column}
	columns := map[string]any{"name": "{column}"}
	group, id := []any{}, "{id}"
	for _, f := range []struct {
		column, header string
		key            bool
	}{{"issued", c.IssuedColumn, true}, {"number", c.ReferenceColumn, true}, {"removed", c.RemovedColumn, false}} {
		if f.header == "" {
			continue
		}
		given[f.column+"_column"], columns[f.column] = f.header, "{"+f.column+"_column}"
		if f.key {
			group, id = append(group, f.column), id+"/{"+f.column+"}"
		}
	}
	switch {
	case strings.TrimSpace(c.Column) == "":
		return misuse("--column is empty; it must be the header of the column with the names")
	case c.Issued != "" && c.IssuedColumn != "":
		return misuse("--issued cannot be used with --issued-column")
	case len(c.Reference) > 0 && c.ReferenceColumn != "":
		return misuse("--reference cannot be used with --reference-column")
	case len(c.DateForm) > 0 && c.IssuedColumn == "" && c.RemovedColumn == "":
		return misuse("--date-form requires --issued-column or --removed-column")
	}
	return c.run(e, "csv", given, func(preset map[string]any) {
		preset["layouts"] = []any{map[string]any{"columns": columns}}
		preset["group"], preset["id"] = group, id
		if c.ReferenceColumn != "" {
			preset["order"].(map[string]any)["references"] = []any{"{number}"}
		}
		forms := c.DateForm
		if len(forms) == 0 {
			forms = []string{time.DateOnly}
		}
		preset["dates"] = slices.Concat(forms, preset["dates"].([]string))
		for key, value := range map[string]string{"separator": c.Separator, "charset": c.Charset} {
			if value != "" {
				preset[key] = value
			}
		}
	})
}

// The function change edits the preset before the import. It may be nil.
func (c *listFlags) run(e *env, name string, given map[string]string, change func(map[string]any)) error {
	if err := errors.Join(missing(c.missing()...), c.check()); err != nil {
		return err
	}
	switch {
	case c.Action == "lift":
		return misuse("--action lift cannot be used with import %s; blocklistctl lift adds a lift", name)
	case len(c.Lifts) > 0:
		return misuse("--lifts cannot be used with import %s; blocklistctl lift adds a lift", name)
	case c.Response != "" && (name == "rpz" || name == "hosts"):
		return misuse("--response cannot be used with import %s, because the file has the responses", name)
	}
	if err := c.checkOut(); err != nil {
		return err
	}
	fields := c.head().Fields
	if c.Served == "now" {
		delete(fields, "served")
	}
	head, err := c.checkHead(fields)
	if err != nil {
		return err
	}
	all := map[string]string{"id": c.ID}
	maps.Copy(all, given)
	var dates []string
	if c.Issued != "" {
		dates = []string{time.DateOnly}
		all["issued"] = head.Issued.Time().In(c.zone()).Format(time.DateOnly)
	}
	for _, key := range []string{"id", "issued", "served", "action"} {
		delete(fields, key)
	}
	p, err := register.LoadWith(name, func(preset map[string]any) {
		preset["order"] = fields
		preset["given"] = asked(all)
		preset["dates"] = dates
		if c.Timezone != "" {
			preset["timezone"] = c.Timezone
		}
		if change != nil {
			change(preset)
		}
	})
	if err != nil {
		return misuse("%v", err)
	}
	return c.merge(e, p, c.File, c.Served, all)
}

// asked returns the columns that the preset asks for.
func asked(values map[string]string) map[string]any {
	out := map[string]any{}
	for column := range values {
		out[column] = "the value of a flag"
	}
	return out
}

// An unknown time zone is impossible here, because checkHead has refused it.
func (c *listFlags) zone() *time.Location {
	loc, err := time.LoadLocation(c.Timezone)
	if err != nil {
		return time.UTC
	}
	return loc
}

func (c *listFlags) checkHead(fields map[string]any) (*order.Order, error) {
	h := importer.Head{Timezone: c.Timezone, Fields: maps.Clone(fields)}
	if c.Served == "now" {
		h.Fields["served"] = "2000-01-01T00:00:00Z"
	}
	o, err := h.Order()
	var bad order.Problems
	if !errors.As(err, &bad) {
		return o, err
	}
	lines := make([]string, len(bad))
	for i, p := range bad {
		lines[i] = c.badField(p)
	}
	return nil, misuse("%s", strings.Join(lines, "\n"))
}
