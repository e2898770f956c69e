package main

import (
	"testing"

	"github.com/dns-orders/blocklist/plugin/order"
)

// TestDisclosures checks that a lift is as secret as its orders.
func TestDisclosures(t *testing.T) {
	terms := func(authority string, d order.Disclosure) *order.Terms {
		return &order.Terms{Authority: order.Authority{Name: authority}, Disclosure: d}
	}
	block := func(id, authority string, issued order.Time, d order.Disclosure) *order.Order {
		return &order.Order{ID: id, Issued: issued, Terms: terms(authority, d)}
	}
	lift := func(authority string, issued order.Time, ids ...string) *order.Order {
		return &order.Order{ID: "l", Action: order.Lift, Issued: issued, Lifts: ids, Terms: terms(authority, order.Full)}
	}
	all := []*order.Order{
		block("open", "A", 10, order.Full), block("secret", "A", 20, order.Code), block("later", "A", 30, order.Full),
		block("old", "B", 10, order.Schedule), block("new", "B", 20, order.None),
	}
	for _, tc := range []struct {
		name string
		lift *order.Order
		want order.Disclosure
	}{
		{"an open order by its id", lift("A", 40, "open"), order.Full},
		{"a sealed order by its id", lift("A", 40, "open", "secret"), order.Code},
		{"an id that is not there", lift("A", 40, "open", "unknown"), order.None},
		{"earlier orders of the authority", lift("A", 40), order.Code},
		{"before the sealed order", lift("A", 15), order.Full},
		{"before the sealed order of another authority", lift("B", 15), order.Schedule},
		{"no order", lift("C", 40), order.None},
		{"too early for any order", lift("A", 5), order.None},
	} {
		if got := disclosures(append(all[:len(all):len(all)], tc.lift))["l"]; got != tc.want {
			t.Errorf("%s: got %v, want %v", tc.name, got, tc.want)
		}
	}
	open := lift("A", 40)
	open.Public = true
	if got := disclosures(append(all[:len(all):len(all)], open))["l"]; got != order.Full {
		t.Errorf("a public lift: got %v", got)
	}
}
