package blocklist

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/coredns/caddy"
	"github.com/dns-orders/blocklist/plugin/directive"
	"github.com/dns-orders/blocklist/plugin/store"
)

// StoreOptions returns the options for a Store with the given order files. Other plugins in the
// Corefile use StoreOptions. If a blocklist directive has the same files, the plugin and the
// directive share a Store.
//
// The patterns must be absolute, as in [store.Options]. Call StoreOptions in an OnStartup function.
// The OnStartup functions of the blocklist directives must run first.
func StoreOptions(c *caddy.Controller, patterns []string) (store.Options, error) {
	var found []store.Options
	for _, keys := range serverBlocks(c) {
		for _, cfg := range keys {
			if b := blockOf(cfg); b != nil && slices.Equal(b.store.Patterns, patterns) {
				found = append(found, b.store)
			}
		}
	}
	// If some server blocks enforce the orders and others are in shadow, use the options of the
	// enforcing server blocks.
	if enforced := slices.DeleteFunc(slices.Clone(found), func(o store.Options) bool { return o.Shadow }); len(enforced) > 0 {
		found = enforced
	}
	if len(found) == 0 {
		d := directive.Config{}
		d.Defaults()
		d.Store.Patterns = patterns
		return d.Store, nil
	}
	for _, o := range found[1:] {
		if !reflect.DeepEqual(o, found[0]) {
			return store.Options{}, fmt.Errorf("several server blocks with the blocklist directive name the order files %s and have different settings", strings.Join(patterns, " "))
		}
	}
	return found[0], nil
}
