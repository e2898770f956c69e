package rpz

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// An Answer is the blocking answer to all queries for a name. It is nil if the name passes. Equal
// answers of one Table have equal pointers.
type Answer struct {
	Kind      order.ResponseKind
	Addresses []netip.Addr // sorted; for the kind Redirect
	TTL       time.Duration
}

// In a Zone, a name that passes has the answer passthru. In a Tree, its answer is nil.
var passthru = &Answer{}

// Passes reports whether the name passes.
func (a *Answer) Passes() bool { return a == nil || a == passthru }

// String returns the answer for messages of tests.
func (a *Answer) String() string {
	if a.Passes() {
		return "pass"
	}
	return fmt.Sprintf("%s%v/%d", a.Kind, a.Addresses, a.TTL/time.Second)
}

// A Table contains the answers of trees. A Table is not safe for concurrent use.
type Table struct {
	made map[string]*Answer
}

// Answer returns the Answer with the given fields.
func (t *Table) Answer(kind order.ResponseKind, addresses []netip.Addr, ttl time.Duration) *Answer {
	if kind != order.Redirect {
		addresses = nil
	}
	sorted := slices.Clone(addresses)
	slices.SortFunc(sorted, netip.Addr.Compare)
	sorted = slices.Compact(sorted)
	key := fmt.Sprint(kind, sorted, ttl)
	a := t.made[key]
	if a == nil {
		if t.made == nil {
			t.made = map[string]*Answer{}
		}
		a = &Answer{kind, sorted, ttl}
		t.made[key] = a
	}
	return a
}

// As returns the answer with another kind.
func (t *Table) As(a *Answer, kind order.ResponseKind) *Answer {
	if a.Kind == kind {
		return a
	}
	return t.Answer(kind, nil, a.TTL)
}

type answers struct {
	table   *Table
	ttl     time.Duration
	refused order.ResponseKind
	of      map[*ruleset.Common]*Answer
}

// verdict returns the Answer of a verdict.
func (c *answers) verdict(v ruleset.Verdict) *Answer {
	if !v.Blocked() {
		return nil
	}
	a := c.of[v.Order.Common]
	if a == nil {
		ttl := v.Order.Terms.TTL
		if ttl < 0 {
			ttl = c.ttl
		}
		kind := v.Response.Kind
		if kind == order.Refused && c.refused != order.ResponseUnset {
			kind = c.refused
		}
		a = c.table.Answer(kind, v.Response.Addresses, ttl)
		c.of[v.Order.Common] = a
	}
	return a
}
