package blocklist

import (
	"context"

	"github.com/coredns/coredns/plugin/metadata"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// The values of the label blocklist/verdict.
const (
	verdictBlocked = "blocked"
	verdictShadow  = "shadow" // the order would have blocked
	verdictExempt  = "exempt" // the order does not apply to this client
	verdictHeld    = "held"   // the guard holds the target
)

// setMetadata sets the verdict, the order and its authority as metadata for plugins like log and
// dnstap, when the metadata plugin is in use. For a sealed order it sets only the verdict.
func (b *block) setMetadata(ctx context.Context, verdict string, o *ruleset.Order) {
	if metadata.ValueFuncs(ctx) == nil {
		return
	}
	set := func(label, value string) {
		metadata.SetValueFunc(ctx, name+"/"+label, func() string { return value })
	}
	set("verdict", verdict)
	if !o.Terms.Disclosure.Sealed() {
		set("order", o.ID)
		// The authority's name is free text from an order file, and the log plugin writes
		// labels without escaping them.
		set("authority", printable.Clean(o.Terms.Authority.Name))
	}
}

// hasMetadata reports whether the metadata of a verdict are set already.
func hasMetadata(ctx context.Context) bool { return metadata.ValueFunc(ctx, name+"/verdict") != nil }

// setPassMetadata sets the metadata of an order that would block the name if the client were not
// exempt or the target not held.
func (b *block) setPassMetadata(ctx context.Context, set *ruleset.Set, q *ruleset.QName, c ruleset.Client, now order.Time) {
	if b.shadow || metadata.ValueFuncs(ctx) == nil {
		return
	}
	_, reasons := set.Reasons(q, c, now)
	for _, r := range reasons {
		switch r.Why {
		case ruleset.ExemptClient:
			b.setMetadata(ctx, verdictExempt, r.Order)
			return
		case ruleset.HeldBack:
			b.setMetadata(ctx, verdictHeld, r.Order)
			return
		}
	}
}
