package main

import (
	"io"

	"github.com/alecthomas/kong"

	"github.com/dns-orders/blocklist/plugin/order"
)

// This is the table of all commands. A new command needs a line here, and a type with the methods
// Help and Run.
type commands struct {
	JSON    bool        `name:"json" help:"Write one JSON document to standard output instead of text."`
	Version versionFlag `help:"Print the version, the commit and the version of Go."`

	Ask    askCommands      `embed:"" group:"Looking at orders:"`
	Write  writeCommands    `embed:"" group:"Writing orders:"`
	Export exportCommands   `embed:"" group:"Other resolvers:"`
	Trust  trustCommands    `embed:"" group:"Signing orders:"`
	Server serverCommands   `embed:"" group:"Servers:"`
	Proof  evidenceCommands `embed:"" group:"Evidence:"`
	Report reportCommands   `embed:"" group:"Reports:"`
	Tool   toolCommands     `embed:"" group:"Setting up:"`
}

type askCommands struct {
	Check   checkCmd   `cmd:"" help:"List the errors and warnings of order files."`
	Explain explainCmd `cmd:"" help:"Show whether a name is blocked, by which order, and why."`
	Show    showCmd    `cmd:"" help:"Show one order with all its fields, its targets and the orders that lift it."`
	Due     dueCmd     `cmd:"" help:"Show late orders, orders that begin or end, and missing messages to authorities."`
	List    listCmd    `cmd:"" help:"List orders with their states, times and targets."`
	Diff    diffCmd    `cmd:"" help:"Compare two versions of order files."`
	Audit   auditCmd   `cmd:"" help:"Ask a resolver which blocked names are gone, parked, seized or moved."`
}

// writeCommands are the commands that write order files.
type writeCommands struct {
	Add         addCmd         `cmd:"" help:"Add a block order to an order file."`
	Amend       amendCmd       `cmd:"" help:"Add names to a block order."`
	Lift        liftCmd        `cmd:"" help:"Add a lift: an order that ends other orders."`
	Correct     correctCmd     `cmd:"" help:"Correct an error of the operator: lift a name from all orders."`
	Suspend     suspendCmd     `cmd:"" help:"Suspend an order for a time."`
	Acknowledge acknowledgeCmd `cmd:"" help:"Write when the receipt of an order was confirmed to the authority."`
	Reported    reportedCmd    `cmd:"" help:"Write when it was reported to the authority that an order is in force."`
	Import      importCmd      `cmd:"" help:"Convert lists of names to order files."`
	Feed        feedCmd        `cmd:"" help:"Pull the tickets of a platform into an order file, and acknowledge the items."`
	Fmt         fmtCmd         `cmd:"" help:"Write order files in canonical form."`
}

// exportCommands are the commands for resolvers of other projects.
type exportCommands struct {
	Export exportCmd `cmd:"" help:"Write the names in force as configuration of another resolver."`
}

// trustCommands are the commands for signatures.
type trustCommands struct {
	Keygen keygenCmd `cmd:"" help:"Make a pair of keys for signatures of order files."`
	Sign   signCmd   `cmd:"" help:"Sign an order file, and put a new version in place together with its signature."`
	Verify verifyCmd `cmd:"" help:"Check the signatures of order files."`
}

// serverCommands are the commands about servers.
type serverCommands struct {
	Status statusCmd `cmd:"" help:"Show which set of orders servers have, and wait until all have the set of the files here."`
	State  stateCmd  `cmd:"" help:"Show and change the stored versions of a server."`
	Probe  probeCmd  `cmd:"" help:"Ask a DNS server for the names of the orders, and say what is wrong."`
}

type reportCommands struct {
	Report      reportCmd      `cmd:"" help:"Report on the orders of a period, also as the transparency report of the DSA."`
	Certificate certificateCmd `cmd:"" help:"Show on one page when an order was in force, for a lawyer."`
	Notice      noticeCmd      `cmd:"" help:"Write the letter to an authority about the effect of its order."`
}

type toolCommands struct {
	Schema     schemaCmd     `cmd:"" help:"Print the JSON Schema of order files."`
	Completion completionCmd `cmd:"" help:"Print the completion script for a shell."`
	Man        manCmd        `cmd:"" hidden:"" help:"Print the manual page."`
	Preset     presetCmd     `cmd:"" help:"Show and check the presets of import register."`
	Platform   platformCmd   `cmd:"" help:"Show and check the platforms of feed."`
}

const description = `The operator's tool for DNS blocking orders.

Exit codes: 0 no problem, 1 problems found, 2 wrong arguments.`

// The function panics if a struct tag of the command table is wrong.
func newParser(c *commands, out, errs io.Writer) *kong.Kong {
	parser, err := kong.New(c,
		kong.Name("blocklistctl"),
		kong.Description(description),
		kong.Writers(out, errs),
		kong.Exit(func(code int) { panic(exit(code)) }),
		kong.Vars{"responses": order.ResponseForms("addresses")},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		panic(err)
	}
	return parser
}
