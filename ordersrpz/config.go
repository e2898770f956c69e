package ordersrpz

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/plugin"
	"github.com/dns-orders/blocklist/plugin/directive"
	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/rpz"
	"github.com/miekg/dns"
)

type config struct {
	origin    string // the name of the zone, in lower case with a final dot
	patterns  []string
	countries []order.Country
	state     string // the absolute path of the state directory, or empty
	refused   order.ResponseKind
	sealed    bool
	ttl       time.Duration
	parts     int // the number of zones that share the orders
}

const defaultTTL = 30 * time.Second

// parse parses the directive
//
//	orders_rpz ORDERS... {
//	    countries CC...
//	    parts N
//	    state DIR
//	    refused nxdomain|nodata
//	    sealed
//	    ttl DURATION
//	}
//
// A relative path is relative to root, the path of the root plugin.
func parse(c *caddy.Controller, root string) (config, error) {
	cfg := config{refused: order.NODATA, ttl: defaultTTL, parts: 1}
	origins := plugin.OriginsFromArgsOrServerBlock(nil, c.ServerBlockKeys)
	slices.Sort(origins)
	origins = slices.Compact(origins)
	if len(origins) != 1 || origins[0] == "." {
		return cfg, c.Errf("orders_rpz needs a server block of one zone, such as rpz.example, got '%s'", strings.Join(origins, " "))
	}
	cfg.origin = dns.CanonicalName(origins[0])
	for _, p := range c.RemainingArgs() {
		abs, err := directive.OrdersPath(p, root)
		if err != nil {
			return cfg, c.Errf("%v", err)
		}
		cfg.patterns = append(cfg.patterns, abs)
	}
	if len(cfg.patterns) == 0 {
		return cfg, c.Err("orders_rpz needs at least one order file, directory or glob, such as: orders_rpz orders.yaml")
	}
	seen := map[string]bool{}
	for c.NextBlock() {
		property, args := c.Val(), c.RemainingArgs()
		if seen[property] {
			return cfg, c.Errf("property '%s' is given twice", property)
		}
		seen[property] = true
		if err := cfg.property(c, root, property, args); err != nil {
			return cfg, err
		}
	}
	if last := cfg.origins()[cfg.parts-1]; len(last) > dname.MaxWire-1 {
		return cfg, c.Errf("the name of the zone is too long for parts, got '%s'", cfg.origin)
	}
	return cfg, nil
}

func (cfg *config) origins() []string {
	if cfg.parts == 1 {
		return []string{cfg.origin}
	}
	out := make([]string, cfg.parts)
	for i := range out {
		out[i] = fmt.Sprintf("%d-of-%d.%s", i+1, cfg.parts, cfg.origin)
	}
	return out
}

func (cfg *config) property(c *caddy.Controller, root, property string, args []string) (err error) {
	switch want := map[string]int{"sealed": 0, "state": 1, "parts": 1, "refused": 1, "ttl": 1}; {
	case property == "countries":
		if len(args) == 0 {
			return c.Err("countries needs at least one country code")
		}
	case slices.Contains([]string{"state", "parts", "refused", "ttl", "sealed"}, property) && len(args) != want[property]:
		return c.Errf("%s takes %d values, got '%s'", property, want[property], strings.Join(args, " "))
	}
	switch property {
	case "countries":
		for _, s := range args {
			cc, ok := order.ParseCountry(s)
			if !ok || cc == order.EU {
				return c.Errf("countries must be ISO 3166-1 alpha-2 codes, got '%s'", s)
			}
			if !slices.Contains(cfg.countries, cc) {
				cfg.countries = append(cfg.countries, cc)
			}
		}
	case "parts":
		n, err := strconv.Atoi(args[0])
		if err != nil || n < 1 || n > rpz.MaxParts {
			return c.Errf("parts must be a number from 1 to %d, got '%s'", rpz.MaxParts, args[0])
		}
		cfg.parts = n
	case "state":
		cfg.state, err = directive.Absolute(args[0], root)
		if err != nil {
			return c.Errf("%v", err)
		}
	case "refused":
		kind, _ := order.ParseResponseKind(args[0])
		if kind != order.NXDOMAIN && kind != order.NODATA {
			return c.Errf("refused must be nxdomain or nodata, got '%s'", args[0])
		}
		cfg.refused = kind
	case "sealed":
		cfg.sealed = true
	case "ttl":
		d, err := time.ParseDuration(args[0])
		if err != nil || d < 0 || d > order.MaxTTL || d%time.Second != 0 {
			return c.Errf("ttl must be whole seconds from 0s to %s, such as 30s, got '%s'", order.MaxTTL, args[0])
		}
		cfg.ttl = d
	default:
		return c.Errf("unknown property '%s'", property)
	}
	return nil
}
