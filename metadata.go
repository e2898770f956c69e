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
	verdictShadow  = "shadow" // would have been blocked
	verdictExempt  = "exempt" // passes for this client
	verdictHeld    = "held"   // passes, since the guard holds the target
)

// tell leaves the verdict, the order and its authority to plugins like log and
// dnstap, when the metadata plugin is in use. A sealed order shows the verdict only.
func (b *block) tell(ctx context.Context, verdict string, o *ruleset.Order) {
	if metadata.ValueFuncs(ctx) == nil {
		return
	}
	set := func(label, value string) {
		metadata.SetValueFunc(ctx, name+"/"+label, func() string { return value })
	}
	set("verdict", verdict)
	if !o.Terms.Disclosure.Sealed() {
		set("order", o.ID)
		// The authority's name is free text of an order file, and log writes labels as
		// they are.
		set("authority", printable.Clean(o.Terms.Authority.Name))
	}
}

// told reports whether something was told already.
func told(ctx context.Context) bool { return metadata.ValueFunc(ctx, name+"/verdict") != nil }

// tellSpared tells of an order that would block the name, were the client not
// exempt or the target not held.
func (b *block) tellSpared(ctx context.Context, set *ruleset.Set, q *ruleset.Asked, c ruleset.Client, now order.Time) {
	if b.shadow || metadata.ValueFuncs(ctx) == nil {
		return
	}
	_, reasons := set.Explain(q, c, now)
	for _, r := range reasons {
		switch r.Why {
		case ruleset.ExemptClient:
			b.tell(ctx, verdictExempt, r.Order)
			return
		case ruleset.HeldBack:
			b.tell(ctx, verdictHeld, r.Order)
			return
		}
	}
}
