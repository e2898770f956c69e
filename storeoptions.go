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

// StoreOptions returns the options for a Store with the given order files. A blocklist directive
// with the same files shares its Store with the caller.
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
