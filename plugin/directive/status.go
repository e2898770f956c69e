package directive

import (
	"net"
	"strconv"

	"github.com/coredns/caddy/caddyfile"
)

// Without a host, the server would listen on all addresses and show the orders to everyone.
func readStatus(c *caddyfile.Dispenser, cfg *Config, args []string) error {
	if len(args) > 2 {
		return c.Errf("status takes an address and the path of a web configuration, got '%s' too", args[2])
	}
	host, port, err := net.SplitHostPort(args[0])
	if err == nil && host == "" {
		return c.Errf("status needs a host, such as 127.0.0.1:%s, or 0.0.0.0:%s for all IPv4 addresses, got '%s'", port, port, args[0])
	}
	if _, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil {
		return c.Errf("status needs an address with a host and a port, such as 127.0.0.1:9253, got '%s'", args[0])
	}
	cfg.Status.Address = args[0]
	if len(args) == 2 {
		if cfg.Status.WebConfig, err = Absolute(args[1], cfg.Root); err != nil {
			return c.Errf("status: %v", err)
		}
	}
	return nil
}
