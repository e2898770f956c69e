package main

import (
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

func queryName(flag, s string) (dname.Name, error) {
	if _, err := netip.ParseAddr(strings.TrimSuffix(s, ".")); err == nil {
		return dname.Name{}, misuse("%s must be a name, not an IP address, got %q", flag, s)
	}
	name, err := dname.Parse(s)
	if err != nil {
		return name, misuse("%s %v, got %q", flag, err, s)
	}
	return name, nil
}

// queryHost parses a name or a URL. Browsers show URLs without a scheme, so the scheme is optional.
func queryHost(flag, s string) (dname.Name, error) {
	full := s
	if !strings.Contains(s, "://") && strings.ContainsAny(s, "/:") {
		full = "http://" + s
	}
	if u, err := url.Parse(full); err == nil && u.Host != "" {
		return queryName(flag, u.Hostname())
	}
	return queryName(flag, s)
}

// In the arguments of explain, the name may come before or after the order files.
func nameAndOrders(args []string) (name string, orders []string) {
	last := len(args) - 1
	if last > 0 && likeOrders(args[0]) && !likeOrders(args[last]) {
		return args[last], args[:last]
	}
	return args[0], args[1:]
}

func likeOrders(arg string) bool {
	if strings.Contains(arg, "://") {
		return false
	}
	_, err := os.Stat(arg)
	return err == nil || strings.ContainsAny(arg, "*?[") || slices.Contains(append(order.Extensions, order.ListExtension), order.Ext(arg))
}
