package main

import (
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// A lift with an unknown order id is secret, because the order may be sealed.
func disclosures(all []*order.Order) map[string]order.Disclosure {
	byID := map[string]order.Disclosure{}
	var lifts []*order.Order
	named := map[string]bool{} // the ids in the field lifts of lifts; true if an order has the id
	for _, o := range all {
		if o.Lifting() {
			lifts = append(lifts, o)
			for _, id := range o.Lifts {
				named[id] = false
			}
		}
	}
	var orders [order.None + 1][]*order.Order // by disclosure
	for _, o := range all {
		if o.Lifting() {
			continue
		}
		// If an id occurs twice, the last order counts.
		if o.Disclosure != order.Full {
			byID[o.ID] = o.Disclosure
		} else if len(byID) > 0 {
			delete(byID, o.ID)
		}
		if len(lifts) > 0 {
			orders[o.Disclosure] = append(orders[o.Disclosure], o)
		}
		if len(named) > 0 {
			if _, ok := named[o.ID]; ok {
				named[o.ID] = true
			}
		}
	}
	if len(lifts) == 0 {
		return byID
	}
	secret, known := map[*order.Order]order.Disclosure{}, map[*order.Order]bool{}
	for d, orders := range orders {
		for l := range ruleset.Reached(lifts, orders) {
			secret[l], known[l] = order.Disclosure(d), true
		}
	}
	of := map[string]order.Disclosure{}
	for _, l := range lifts {
		switch {
		case l.Public:
			of[l.ID] = l.Disclosure
		case !known[l] || slices.ContainsFunc(l.Lifts, func(id string) bool { return !named[id] }):
			of[l.ID] = order.None
		default:
			of[l.ID] = max(l.Disclosure, secret[l])
		}
	}
	maps.Copy(byID, of)
	return byID
}

// Without the flag --sealed, the output must not reveal the time of a sealed lift.
func (l *orders) shownUntil(st ruleset.OrderState, sealed bool) order.Time {
	if sealed || !l.sealed {
		return st.Until
	}
	return st.OwnUntil()
}

// Without --sealed, the function hides the text of problems that may reveal a sealed order.
func (l *orders) shown(ps order.Problems, sealed bool) order.Problems {
	if sealed || !l.sealed {
		return ps
	}
	disclosed := disclosures(l.all())
	out := make(order.Problems, len(ps))
	for i, p := range ps {
		if out[i] = p; p.Sealed || disclosed[p.Order].Sealed() {
			out[i] = p.Hidden()
		}
	}
	return out
}

func sealedLabel(id string) string { return ruleset.SealedLabel(id) }

func (x *editing) exposed() (out []string) {
	path := printable.Line(x.path)
	if info, err := os.Stat(x.path); err == nil && info.Mode()&0o004 != 0 && runtime.GOOS != "windows" {
		out = append(out, fmt.Sprintf("all users of this computer can read %s, because its mode is %04o. The command chmod 640 %s lets only the owner and the group read it.", path, info.Mode().Perm(), path))
	}
	known := disclosures(x.before.all())
	public := 0
	for i := range x.before.files {
		if f := &x.before.files[i]; f.Path == x.path {
			for _, o := range f.Orders {
				if !known[o.ID].Sealed() {
					public++
				}
			}
		}
	}
	if public > 0 {
		out = append(out, fmt.Sprintf("%s also has %s. A secret order belongs in a file of its own, which only the server and you can read.", path, count(public, "public order")))
	}
	return out
}
