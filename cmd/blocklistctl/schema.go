package main

import "github.com/dns-orders/blocklist/plugin/order"

// schemaCmd is blocklistctl schema.
type schemaCmd struct{}

// Help is the longer help.
func (*schemaCmd) Help() string {
	return `Editors that know JSON Schema complete and check order files with it. With --json it prints the same: the schema is JSON.

Example:

  blocklistctl schema > orders.schema.json`
}

// Run prints the schema.
func (*schemaCmd) Run(e *env) error {
	_, err := e.stdout.Write([]byte(order.Schema))
	return err
}
