package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"

	"github.com/dns-orders/blocklist/plugin/durable"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/report"
)

// certificateCmd is the command "blocklistctl certificate".
type certificateCmd struct {
	Order       string   `arg:"" help:"The id of the order."`
	Orders      []string `arg:"" optional:"" help:"Order files, directories and globs, as in the Corefile. Without order files, the versions in the journals are read."`
	reportFlags `embed:""`
	HTML        string `name:"html" placeholder:"FILE" help:"Write one HTML page into this file."`
}

// Help returns the description and the example for --help.
func (*certificateCmd) Help() string {
	return `Shows on one page when the servers enforced an order: the number of the order, the digest of its document, the first and the last server, the answers that were checked, the end, and how to check the page. The times come from the journals of the servers. Each journal is checked first. The exit code is 1 if a journal has a fault.

Example:

  blocklistctl certificate court/914 --journal node1 --journal node2 --html court-914.html`
}

// Run writes the certificate.
func (c *certificateCmd) Run(e *env) error {
	switch {
	case len(c.Journal) == 0:
		return misuse("--journal is required, because the times in force are only in a journal")
	case e.json && c.HTML != "":
		return misuse("--json and --html exclude each other")
	}
	d, opt, err := c.data(e, c.Orders)
	if err != nil {
		return err
	}
	x, err := report.NewCertificate(d, c.Order, opt)
	if err != nil {
		return sealedError(err)
	}
	switch {
	case e.json:
		err = e.writeJSON(x)
	case c.HTML != "":
		var b bytes.Buffer
		if err = x.WriteHTML(&b); err == nil {
			err = durable.FS{}.WriteFile(c.HTML, b.Bytes(), 0o644)
		}
		if at := (*fs.PathError)(nil); errors.As(err, &at) {
			err = fmt.Errorf("%s cannot be written: %w", c.HTML, at.Err)
		}
		if err == nil {
			e.say("%s is written", c.HTML)
		}
	default:
		err = x.WriteText(e.stdout)
	}
	if err != nil {
		return err
	}
	return e.faults(x.Faults, !e.json && c.HTML == "")
}

func sealedError(err error) error {
	var sealed *report.SealedError
	if errors.As(err, &sealed) {
		return fmt.Errorf("the order %s is sealed; --sealed shows the order", sealedLabel(sealed.Order))
	}
	return errors.New(printable.Line(err.Error()))
}
