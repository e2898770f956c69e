package main

import (
	"strings"

	"github.com/dns-orders/blocklist/plugin/printable"
)

// addCmd is blocklistctl add.
type addCmd struct {
	Files      []string `arg:"" optional:"" name:"orders" help:"The same as --orders."`
	Name       []string `placeholder:"NAME" help:"A name that the order blocks, with all names below it. May be given several times."`
	File       string   `placeholder:"FILE" help:"The order file for the new order. Required if ORDERS are several files."`
	headFlags  `embed:"" group:"The order:"`
	editFlags  `embed:""`
	namesFlags `embed:""`
}

// Help returns the description and the example for --help.
func (*addCmd) Help() string {
	return `Adds a block order at the end of an order file that exists. The file keeps its comments and all other bytes. Names and lists are cleaned and reported as by blocklistctl import domains. Prints the change of the text and the names that are newly blocked. Without --yes, nothing is written.

Example:

  blocklistctl add orders.yaml --id milan/2026-31 --authority "Tribunale di Milano" --authority-country IT --authority-kind court --reference 31/2026 --issued 2026-05-01 --scope-country IT --review 2027-05-01 --list pasted.txt --expect 400 --dry-run`
}

// Run adds the order.
func (c *addCmd) Run(e *env) error {
	if c.Action == "lift" || len(c.Lifts) > 0 {
		return misuse("add writes block orders; blocklistctl lift ORDER writes a lift")
	}
	if err := c.check(); err != nil {
		return err
	}
	c.Orders = append(c.Orders, c.Files...)
	x, err := c.begin(e)
	if err != nil {
		return err
	}
	path, err := c.path(x)
	if err != nil {
		return err
	}
	if err := x.openFile(path); err != nil {
		return err
	}
	if x.before.byID()[c.ID] != nil {
		return misuse("--id: another order has this id, got %q; blocklistctl amend adds names to an order", c.ID)
	}
	h := c.head()
	if h.Timezone == "" {
		h.Timezone = x.file.Timezone
	}
	o, err := head(h, c.badField)
	if err != nil {
		return err
	}
	if o.Targets, x.list, err = c.read(e, c.ID, "--name", c.Name); err != nil {
		return err
	}
	if err := x.text.AddOrder(o); err != nil {
		return err
	}
	return x.finish(max(o.From, x.now))
}

// path returns the path of the order file for the new order.
func (c *addCmd) path(x *editing) (string, error) {
	if c.File != "" {
		return c.File, nil
	}
	var paths []string
	for _, f := range x.before.files {
		paths = append(paths, printable.Line(f.Path))
	}
	switch len(paths) {
	case 0:
		return "", misuse("ORDERS have no order file; write a file with the two lines \"version: 1\" and \"orders: []\", or use blocklistctl import domains")
	case 1:
		return x.before.files[0].Path, nil
	}
	return "", misuse("--file must be one of %s", strings.Join(paths, ", "))
}
