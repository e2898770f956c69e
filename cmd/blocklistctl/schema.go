package main

import "github.com/dns-orders/blocklist/plugin/order"

// schemaCmd is the command "blocklistctl schema".
type schemaCmd struct{}

// Help returns the description and the example for --help.
func (*schemaCmd) Help() string {
	return `With the schema, an editor completes and checks order files. The output is the same with --json.

Example:

  blocklistctl schema > orders.schema.json`
}

// Run prints the schema.
func (*schemaCmd) Run(e *env) error {
	_, err := e.stdout.Write([]byte(order.Schema))
	return err
}
