package ruleset

import (
	"iter"
	"slices"

	"github.com/dns-orders/blocklist/plugin/order"
)

// Orders yields the orders and lifts of the set, in the sequence of the files.
func (s *Set) Orders() iter.Seq[*Order] {
	return func(yield func(*Order) bool) {
		for _, e := range s.all() {
			if !yield(&e.Order) {
				return
			}
		}
	}
}

// Secret returns the orders and lifts that the ordinary log must not name. A lift of a
// sealed order is as secret as the order.
func (s *Set) Secret() map[*Order]bool {
	lifts, out := s.SecretLifts(), map[*Order]bool{}
	for _, e := range s.all() {
		if lifts[e.ID] || e.action == order.Block && e.isSecret() {
			out[&e.Order] = true
		}
	}
	return out
}

// Lifter returns the id of a lift that ends the whole order. Without such a lift, the result is
// empty. For a secret lift, the result is SealedLift. The argument is the result of Set.Secret.
func (o OrderState) Lifter(secret map[*Order]bool) string {
	l := o.set.wholeLift(o.entry, o.now)
	switch {
	case l == nil:
		return ""
	case secret[&l.Order]:
		return SealedLift
	}
	return l.ID
}

// SealedLift is how the journal names a secret lift.
const SealedLift = "a sealed lift"

// Forced returns the targets that the order enforces in spite of the guard, sorted.
func (o *Order) Forced() (out []string) {
	for t := range o.force {
		out = append(out, t.String())
	}
	slices.Sort(out)
	return out
}
