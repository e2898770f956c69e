package main

import (
	"io"

	"github.com/dns-orders/blocklist/plugin/report"
)

// noticeCmd is the command "blocklistctl notice".
type noticeCmd struct {
	Order       string   `arg:"" help:"The id of the order."`
	Orders      []string `arg:"" optional:"" help:"Order files, directories and globs, as in the Corefile. Without order files, the versions in the journals are read."`
	reportFlags `embed:""`
	EML         bool   `name:"eml" help:"Write a mail message (RFC 5322) instead of text."`
	From        string `placeholder:"ADDRESS" help:"The sender of the message, for --eml."`
	To          string `placeholder:"ADDRESS" help:"The recipient of the message, for --eml. The default is the recipient in the order."`
	Provider    string `placeholder:"NAME" help:"The name of the operator, at the end of the letter."`
}

// Help returns the description and the example for --help.
func (*noticeCmd) Help() string {
	return `Writes the letter to the authority that says if and when effect was given to its order, as in Article 9(1) of the Digital Services Act. The letter is in English. The command sends nothing: read the letter, send it, and then run "blocklistctl reported". The exit code is 1 if a journal has a fault.

Example:

  blocklistctl notice court/914 orders.yaml --journal node1 --journal node2
  blocklistctl notice court/914 orders.yaml --journal node1 --eml --from "Legal desk <legal@isp.example>" > letter.eml`
}

// Run writes the letter.
func (c *noticeCmd) Run(e *env) error {
	switch {
	case len(c.Journal) == 0:
		return misuse("--journal is required, because the times in force are only in a journal")
	case e.json && c.EML:
		return misuse("--json and --eml exclude each other")
	case c.EML && c.From == "":
		return misuse("--eml requires --from ADDRESS")
	case !c.EML && (c.From != "" || c.To != ""):
		return misuse("--from and --to require --eml")
	}
	d, opt, err := c.data(e, c.Orders)
	if err != nil {
		return err
	}
	n, faults, err := report.NewNotice(d, c.Order, report.NoticeOptions{Options: opt, Provider: c.Provider})
	if err != nil {
		return sealedError(err)
	}
	switch {
	case e.json:
		err = e.writeJSON(n)
	case c.EML:
		err = n.Mail(e.stdout, report.MailOptions{From: c.From, To: c.To, Now: opt.Now.In(d.Zone)})
	default:
		_, err = io.WriteString(e.stdout, n.Text())
	}
	if err != nil {
		return err
	}
	return e.faults(faults, false)
}
