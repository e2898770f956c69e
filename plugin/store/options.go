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
	// Patterns are the absolute paths of order files and directories, and absolute globs.
	Patterns []string
	// Rules are the options of the compiler. The Store sets the guard.
	Rules ruleset.Options
	// Protect are the absolute and clean paths of the operator's protect lists.
	Protect []string
	// MaxShrink is the percentage, from 0 to 100, of its targets in force that a file may lose
	// at once.
	MaxShrink int
	// Poll is the time between two looks at the files.
	Poll time.Duration
	// Shadow means that the server blocks of the Store change no answer. The log then says
	// which names would be blocked. Orders are loaded and counted as without Shadow.
	Shadow bool
	// Verify says which keys must have signed each order file.
	Verify signature.Policy
	// Demands are requirements on order files beyond the rules of their format.
	Demands order.Demands
}

// key returns a text that is equal for equal Options. It includes all fields, also fields that
// will be added.
func (o Options) key() string { return fmt.Sprintf("%#v", o) }

// rulesText returns the options on which verdicts depend, as a line for the digest of the set.
// The form is fixed, so that the digests of servers of different versions can be compared:
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

// responseText returns the word for a response. A kind without a word must not have the word of
// another kind: servers that answer differently would then show the same digest.
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
