package main

import (
	"errors"
	"io/fs"
	"os"

	"github.com/dns-orders/blocklist/plugin/directive"
	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

const corefileVariable = "BLOCKLIST_COREFILE"

type serverFlags struct {
	Corefile string   `placeholder:"FILE" help:"The Corefile of the server. Its blocklist directive gives the settings, and ORDERS if the command line has none. Without ORDERS, the default is $BLOCKLIST_COREFILE."`
	Block    string   `placeholder:"ADDRESS" help:"The server block of the Corefile, for example .:53. Required if the server blocks have different directives."`
	Protect  []string `placeholder:"FILE" sep:"none" help:"A protect list, as in the Corefile. May be given several times."`
}

// A server contains the settings of a server.
type server struct {
	*directive.Config
	corefile string             // the path of the Corefile, or "" without a Corefile
	block    *directive.Block   // the server block, or nil without a Corefile
	blocks   []*directive.Block // all server blocks of the Corefile
}

// Without ORDERS and a Corefile, the tool uses the only order file named orders in the working
// directory.
func (f *serverFlags) obvious(e *env, orders []string) []string {
	if len(orders) > 0 || f.Corefile != "" || os.Getenv(corefileVariable) != "" {
		return orders
	}
	var found []string
	for _, ext := range order.Extensions {
		if info, err := os.Stat("orders" + ext); err == nil && info.Mode().IsRegular() {
			found = append(found, "orders"+ext)
		}
	}
	if len(found) != 1 {
		return orders
	}
	e.say("reading %s, because the command line has no ORDERS", found[0])
	return found
}

func (f *serverFlags) server(orders []string) (*server, error) {
	for _, p := range orders {
		if why := directive.URLProblem(p); why != "" {
			return nil, misuse("%s", why)
		}
	}
	path, source := f.Corefile, "--corefile"
	if path == "" && len(orders) == 0 {
		path, source = os.Getenv(corefileVariable), "$"+corefileVariable
	}
	if path == "" {
		switch {
		case len(orders) == 0:
			return nil, misuse("no ORDERS: give order files, or --corefile FILE, or set $%s", corefileVariable)
		case f.Block != "":
			return nil, misuse("--block requires --corefile")
		}
		s := &server{Config: new(directive.Config)}
		s.Defaults()
		s.Store.Patterns, s.Store.Protect = orders, f.Protect
		s.Store.Rules.Addresses = true // the server may have "answers addresses"
		return s, nil
	}
	if len(f.Protect) > 0 {
		return nil, misuse("--protect cannot be used with --corefile, because the Corefile has the protect lists")
	}
	blocks, err := directive.Corefile(path)
	var at *fs.PathError
	switch {
	case errors.As(err, &at):
		return nil, misuse("%s: %s cannot be read: %v", source, at.Path, at.Err)
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

// Each problem is about a Corefile rule that the file breaks. The function does not check
// signatures.
func (s *server) demands(f *order.File) order.Problems {
	problems := s.Store.Demands.File(f)
	for _, o := range f.Orders {
		problems = append(problems, s.Store.Demands.Order(f.Path, o)...)
	}
	return problems
}

// The first result is the other server block that gets the queries for a name, or nil. The second
// result is true if no server block gets the queries.
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
