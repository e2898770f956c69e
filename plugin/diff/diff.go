// Package diff compares two versions of an order set. It finds changed orders, changed fields, and
// names that only one version blocks.
package diff

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// A Version is one side of a comparison.
type Version struct {
	Orders []*order.Order // in the sequence of the files
	Set    *ruleset.Set
}

// A Kind says how an order differs.
type Kind string

const (
	Added   Kind = "added"
	Removed Kind = "removed"
	Changed Kind = "changed"
	Lifted  Kind = "lifted" // the order did not change, but lifts now end all its targets
)

// A Field is a field of an order with its old and new value. A missing field has an empty value.
type Field struct{ Name, Old, New string }

// An Order is an order that differs between two versions.
type Order struct {
	Kind  Kind
	Order *order.Order // the order in the new version, or in the old version if the order was removed
	// OldState and NewState are empty if the version lacks the order.
	OldState, NewState           string
	Fields                       []Field
	TargetsAdded, TargetsRemoved []string
}

// Orders returns the orders that differ between two versions, in the sequence of the new version.
// Removed orders are at the end.
func Orders(from, to Version, now order.Time) (out []Order) {
	olds := byID(from.Orders)
	oldStates, newStates := states(from.Set, now), states(to.Set, now)
	seen := map[string]bool{}
	for _, o := range to.Orders {
		seen[o.ID] = true
		d := Order{Kind: Changed, Order: o, OldState: oldStates[o.ID], NewState: newStates[o.ID]}
		was := olds[o.ID]
		if was == nil {
			d.Kind, d.TargetsAdded = Added, slices.Sorted(keys(targets(o)))
			out = append(out, d)
			continue
		}
		d.Fields = fields(was, o)
		d.TargetsAdded, d.TargetsRemoved = targetDiff(was, o)
		switch {
		case len(d.Fields)+len(d.TargetsAdded)+len(d.TargetsRemoved) > 0:
		case d.NewState == ruleset.Lifted.String() && d.OldState != d.NewState:
			d.Kind = Lifted
		default:
			continue
		}
		out = append(out, d)
	}
	for _, o := range from.Orders {
		if !seen[o.ID] {
			out = append(out, Order{Kind: Removed, Order: o, OldState: oldStates[o.ID],
				TargetsRemoved: slices.Sorted(keys(targets(o)))})
		}
	}
	return out
}

func byID(orders []*order.Order) map[string]*order.Order {
	m := make(map[string]*order.Order, len(orders))
	for _, o := range orders {
		m[o.ID] = o
	}
	return m
}

func states(s *ruleset.Set, now order.Time) map[string]string {
	m := map[string]string{}
	for st := range s.OrderStates(now) {
		m[st.Order.ID] = st.State.String()
	}
	return m
}

func targetDiff(was, is *order.Order) (added, removed []string) {
	a, b := targets(was), targets(is)
	for t, text := range b {
		if old, ok := a[t]; !ok || old != text {
			added = append(added, describe(t, text))
		}
	}
	for t, text := range a {
		if now, ok := b[t]; !ok || now != text {
			removed = append(removed, describe(t, text))
		}
	}
	slices.Sort(added)
	slices.Sort(removed)
	return added, removed
}

func describe(target, attrs string) string {
	if attrs == "" {
		return target
	}
	return target + " (" + attrs + ")"
}

func keys(m map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k, v := range m {
			if !yield(describe(k, v)) {
				return
			}
		}
	}
}

func targets(o *order.Order) map[string]string {
	m := make(map[string]string, o.NumTargets())
	for i := range o.Targets {
		t := &o.Targets[i]
		m[t.String()] = attributes(t)
	}
	if o.Side != nil {
		for n := range o.Side.Names.All() {
			m[n.String()] = ""
		}
	}
	return m
}

func attributes(t *order.Target) string {
	a := t.Attr
	if a == nil {
		return ""
	}
	var parts []string
	put := func(key, value string) {
		if value != "" {
			parts = append(parts, key+" "+value)
		}
	}
	if t.Kind == order.TargetAddress {
		put("enforced_by", a.EnforcedBy.String())
	}
	if t.Kind == order.TargetName {
		put("url", a.URL)
	}
	put("from", a.From.String())
	put("until", a.Until.String())
	put("windows", windows(a.Windows))
	put("except", join(a.Except))
	if a.Status != order.Active {
		put("status", a.Status.String())
	}
	put("served", a.Served.String())
	put("acknowledged", a.Acknowledged.String())
	put("reported", a.Reported.String())
	put("deadline", a.Deadline.String())
	put("references", strings.Join(a.References, ", "))
	put("note", a.Note)
	return strings.Join(parts, ", ")
}

func windows(ws []order.Window) string {
	var parts []string
	for _, w := range ws {
		parts = append(parts, w.From.String()+"/"+w.Until.String())
	}
	return strings.Join(parts, ", ")
}

func join[T fmt.Stringer](list []T) string {
	parts := make([]string, len(list))
	for i, x := range list {
		parts[i] = x.String()
	}
	return strings.Join(parts, ", ")
}
