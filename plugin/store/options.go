package store

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/signature"
)

// Options are the settings of a Store. Server blocks with equal Options share a Store.
type Options struct {
	// Patterns are the absolute paths of order files and directories, or absolute globs.
	Patterns []string
	// Rules are the options for the compilation of orders. The Store sets Rules.Guard.
	Rules ruleset.Options
	// Protect contains the paths of the protect lists. Names in these lists must not be blocked.
	// Each path is absolute and clean.
	Protect []string
	// MaxShrink limits the targets that a new version may remove. It is a percentage (0 to 100) of
	// the targets in force.
	MaxShrink int
	// Poll is the time between two scans of the files.
	Poll   time.Duration
	Shadow bool
	// State is the absolute path of the state directory, or empty.
	State string
	// Journal is the absolute path of the journal directory, or empty. Origin is the name of a new
	// journal.
	Journal, Origin string
	// Verify is the policy for the signatures of order files.
	Verify signature.Policy
	// Demands are additional requirements on order files.
	Demands order.Demands
}

// The verb %#v also prints fields that are added later.
func (o Options) key() string { return fmt.Sprintf("%#v", o) }

// This text is part of the digest of the set. The format must not change, because digests of
// different program versions are compared. An example is:
//
//	rules no_country=false addresses=true response=redirect 192.0.2.1 2001:db8::1 nat64=2001:db8:64::/96
func rulesText(o ruleset.Options) string {
	out := fmt.Sprintf("rules no_country=%t addresses=%t response=%s", o.NoCountry, o.Addresses, responseText(o.Response.Kind))
	for _, a := range slices.SortedFunc(slices.Values(o.Response.Addresses), netip.Addr.Compare) {
		out += " " + a.String()
	}
	for _, p := range slices.SortedFunc(slices.Values(o.NAT64), netip.Prefix.Compare) {
		out += " nat64=" + p.String()
	}
	return out + "\n"
}

// Each kind must have its own word, or servers with different answers would have equal digests.
func responseText(kind order.ResponseKind) string {
	if kind == order.ResponseUnset {
		kind = order.NXDOMAIN
	}
	word := kind.String()
	if word == "" {
		panic(fmt.Sprintf("store: response kind %d has no word for the digest of the set", kind))
	}
	return word
}
