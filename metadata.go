package blocklist

import (
	"context"

	"github.com/coredns/coredns/plugin/metadata"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// These are the values of the label blocklist/verdict.
const (
	verdictBlocked = "blocked"
	verdictShadow  = "shadow" // an order in shadow would have blocked the query
	verdictExempt  = "exempt" // the client is exempt from the order
	verdictHeld    = "held"   // the guard does not let the target come into force
)

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
		// The log plugin does not escape this text. The text comes from an order file.
		set("authority", printable.Clean(o.Terms.Authority.Name))
	}
}

// hasMetadata reports whether the metadata already contain a verdict.
func hasMetadata(ctx context.Context) bool { return metadata.ValueFunc(ctx, name+"/verdict") != nil }

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
