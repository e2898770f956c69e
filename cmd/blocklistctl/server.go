package main

import (
	"errors"
	"io/fs"
	"os"

	"github.com/dns-orders/blocklist/plugin/directive"
	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

// corefileVariable names a Corefile for commands that have neither ORDERS nor --corefile.
const corefileVariable = "BLOCKLIST_COREFILE"

// serverFlags are for the commands that judge orders as a server would.
type serverFlags struct {
	Corefile string   `placeholder:"FILE" help:"The server's Corefile: ORDERS, unless they are given, and all settings come from its blocklist directive. $BLOCKLIST_COREFILE names a Corefile for commands without ORDERS."`
	Block    string   `placeholder:"ADDRESS" help:"The server block of the Corefile, such as .:53. Needed when the blocks have different directives."`
	Protect  []string `placeholder:"FILE" sep:"none" help:"A protect list, as in the Corefile; may be given several times. What the guard holds without one is held always."`
}

// server is what a command knows of the server.
type server struct {
	*directive.Config
	corefile string             // the path of the Corefile, empty without one
	block    *directive.Block   // the server block, nil without a Corefile
	blocks   []*directive.Block // all of the Corefile
}

// server returns what the flags say of the server. orders are the ORDERS of the command
// line, which come before those of the Corefile.
func (f *serverFlags) server(orders []string) (*server, error) {
	path := f.Corefile
	if path == "" && len(orders) == 0 {
		path = os.Getenv(corefileVariable)
	}
	if path == "" {
		switch {
		case len(orders) == 0:
			return nil, misuse("expected ORDERS, or --corefile FILE, or a Corefile in $%s", corefileVariable)
		case f.Block != "":
			return nil, misuse("--block needs --corefile")
		}
		s := &server{Config: new(directive.Config)}
		s.Defaults()
		s.Store.Patterns, s.Store.Protect = orders, f.Protect
		s.Store.Rules.Addresses = true // the Corefile may have "answers addresses"
		return s, nil
	}
	if len(f.Protect) > 0 {
		return nil, misuse("--protect and --corefile exclude each other: the Corefile names the protect lists")
	}
	blocks, err := directive.Corefile(path)
	var at *fs.PathError
	switch {
	case errors.As(err, &at):
		return nil, misuse("--corefile: %v", err)
	case err != nil:
		return nil, err
	}
	block, err := directive.Choose(blocks, f.Block)
	if err != nil {
		return nil, misuse("%s: %v (--block ADDRESS)", path, err)
	}
	s := &server{Config: block.Config, corefile: path, block: block, blocks: blocks}
	if len(orders) > 0 {
		s.Store.Patterns = orders
	}
	return s, nil
}

// demands returns the problems of a file with the properties verify and require of the
// Corefile. The signature is for blocklistctl verify.
func (s *server) demands(f *order.File) order.Problems {
	problems := s.Store.Demands.File(f)
	for _, o := range f.Orders {
		problems = append(problems, s.Store.Demands.Order(f.Path, o)...)
	}
	return problems
}

// elsewhere returns the server block that gets the queries for a name instead of the chosen
// block. It reports whether no server block gets these queries.
func (s *server) elsewhere(name dname.Name) (other *directive.Block, refused bool) {
	if s.block == nil {
		return nil, false
	}
	switch b := directive.Serving(s.blocks, s.block, name); b {
	case s.block:
		return nil, false
	default:
		return b, b == nil
	}
}
