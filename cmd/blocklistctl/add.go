package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/source"
)

// addCmd is blocklistctl add.
type addCmd struct {
	Files      []string `arg:"" optional:"" name:"orders" help:"The same as --orders."`
	Name       []string `placeholder:"NAME" help:"A name that the order blocks, with all names below it. May be given several times."`
	File       string   `placeholder:"FILE" help:"The order file for the new order. The file is made if it does not exist. Required if ORDERS are several files."`
	headFlags  `embed:"" group:"The order:"`
	editFlags  `embed:""`
	namesFlags `embed:""`
}

// Help returns the description and the example for --help.
func (*addCmd) Help() string {
	return `Adds a block order at the end of an order file. The file keeps its comments and all other bytes; a file that does not exist is made. Names and lists are cleaned and reported as by blocklistctl import domains. On a terminal, the command asks for missing values, and shows the change of the text and the newly blocked names before it writes. In a script, --yes writes.

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
	if c.List != "" && len(c.Name) > 0 {
		return misuse("--name and --list cannot be used together")
	}
	c.Orders = append(c.Orders, c.Files...)
	ask, err := c.complete(e, true, append(c.missing(),
		without(c.Scope == "" && len(c.ScopeCountry)+len(c.ScopeClient) == 0, fmt.Sprintf("--scope-country CC (for example %s) or --scope-client CIDR or --scope global", c.ownCountry())),
		without(c.List == "" && len(c.Name) == 0, "--name NAME or --list FILE"))...)
	if err != nil {
		return err
	}
	x, err := c.load(e)
	if err != nil {
		return err
	}
	if ask {
		if err := c.ask(x); err != nil {
			return err
		}
	}
	x.mode = c.mode()
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
	if o.Targets, x.list, err = c.read(e, x.asks, c.ID, "--name", c.Name); err != nil {
		return err
	}
	o.StatedCount = x.list.Stated
	if o.Deadline != order.NoTime && o.Deadline < x.now && o.From == order.NoTime {
		e.say("note: the deadline has passed, and the order has no --from. blocklistctl due cannot show that the block began too late; --from with the present time shows it.")
	}
	if !ask && o.Deadline != order.NoTime && o.From > o.Deadline {
		e.say("note: "+beginsLate, timeWithOffset(o.From, zoneOf(x.file)))
	}
	if err := x.text.AddOrder(o); err != nil {
		return err
	}
	x.verb, x.id = "add", o.ID
	return x.finish(max(o.From, x.now))
}

func (c *addCmd) load(e *env) (*editing, error) {
	path := c.File
	if path == "" {
		s, err := c.server(c.Orders)
		if err != nil {
			return nil, err
		}
		paths, _ := source.Expand(s.Store.Patterns) // begin reports the errors
		paths = slices.DeleteFunc(paths, func(p string) bool { return !slices.Contains(order.Extensions, order.Ext(p)) })
		switch a := e.asker(); {
		case len(paths) == 1 && (a == nil || c.Yes || slices.Equal(paths, s.Store.Patterns)):
			path = paths[0]
		case a != nil && !c.Yes:
			if path = a.whichFile(s.Store.Patterns, paths); a.err != nil {
				return nil, a.err
			}
		}
		c.File = path
	}
	if _, err := os.Stat(path); path == "" || !errors.Is(err, fs.ErrNotExist) || strings.ContainsAny(path, "*?[") {
		x, err := c.begin(e)
		if err != nil {
			return nil, err
		}
		if path, err = c.path(x); err != nil {
			return nil, err
		}
		return x, x.openFile(path)
	}
	if err := checkFolder(path); err != nil {
		return nil, err
	}
	if a := e.asker(); a != nil && !c.Yes {
		if c.askZone(a, path); a.err != nil {
			return nil, a.err
		}
	}
	text, err := emptyFile(path, c.Timezone, c.Sign != "")
	if err != nil {
		return nil, misuse("--file: %v", err)
	}
	x, err := c.beginWith(e, path, text)
	if err != nil {
		return nil, err
	}
	return x, x.openFile(path)
}

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
		return "", misuse("ORDERS have no order file; --file FILE makes a file")
	case 1:
		return x.before.files[0].Path, nil
	}
	return "", misuse("--file must be one of %s", strings.Join(paths, ", "))
}
