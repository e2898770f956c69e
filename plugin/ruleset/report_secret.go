package ruleset

import (
	"crypto/sha256"
	"encoding/hex"
	"iter"
	"slices"

	"github.com/dns-orders/blocklist/plugin/order"
)

// A lift of a sealed (secret) order has a secret label.
type secrecy struct {
	sealed bool // the lift ends a sealed (secret) order
	known  bool // the lift ends an order, and the set has all orders whose ids the lift lists
}

func (s *Set) secrecies(lifts []*entry) map[*entry]secrecy {
	sealed, all, ids := &lifters{}, &lifters{}, map[string]bool{}
	found := map[*entry][2]*meeting{}
	for _, l := range lifts {
		m := [2]*meeting{{lift: l}, {lift: l}}
		found[l] = m
		sealed.add(m[0])
		all.add(m[1])
		for _, id := range l.lifts {
			ids[id] = false
		}
	}
	s.meetAll(sealed, func(e *entry) bool { return e.Terms.Disclosure.Sealed() })
	s.meetAll(all, func(e *entry) bool {
		if _, ok := ids[e.ID]; ok {
			ids[e.ID] = true
		}
		return true
	})
	out := make(map[*entry]secrecy, len(lifts))
	for l, m := range found {
		x := secrecy{sealed: m[0].reached, known: m[1].reached}
		for _, id := range l.lifts {
			x.known = x.known && ids[id]
		}
		out[l] = x
	}
	return out
}

func (e *entry) isSecret(found ...secrecy) bool {
	if e.action == order.Block || e.public || e.Terms.Disclosure.Sealed() {
		return e.Terms.Disclosure.Sealed()
	}
	known := false
	for _, x := range found {
		if x.sealed {
			return true
		}
		known = known || x.known
	}
	return !known
}

func (e *entry) label(found ...secrecy) string {
	if e.isSecret(found...) {
		return SealedLabel(e.ID)
	}
	return e.ID
}

func (s *Set) labels(entries []*entry) []string {
	found := s.secrecies(slices.DeleteFunc(slices.Clone(entries), func(e *entry) bool { return e.action == order.Block }))
	out := make([]string, len(entries))
	for i, e := range entries {
		out[i] = e.label(found[e])
	}
	return out
}

// SecretLifts returns the ids of lifts that the ordinary log must not contain.
func (s *Set) SecretLifts() map[string]bool {
	out := map[string]bool{}
	for l, found := range s.secrecies(slices.Collect(s.lifts())) {
		if l.isSecret(found) {
			out[l.ID] = true
		}
	}
	return out
}

// Lifts yields the lifts of the set, in the sequence of the files.
func (s *Set) Lifts() iter.Seq[*Order] {
	return func(yield func(*Order) bool) {
		for e := range s.lifts() {
			if !yield(&e.Order) {
				return
			}
		}
	}
}

func (s *Set) lifts() iter.Seq[*entry] {
	return func(yield func(*entry) bool) {
		for _, p := range s.parts {
			for _, i := range p.lifts {
				if !yield(p.entries.at(i)) {
					return
				}
			}
		}
	}
}

// Label returns the id, or the SealedLabel for a sealed (secret) order. The label is safe for all
// readers.
func (o *Order) Label() string {
	if o.Terms.Disclosure.Sealed() {
		return SealedLabel(o.ID)
	}
	return o.ID
}

// SealedLabel returns a name for a sealed (secret) order that is safe for all readers.
func SealedLabel(id string) string { return "sealed:" + Digest(id) }

// Digest returns the first 12 hexadecimal digits of the SHA-256 of an id. A reader can check a
// guess, so the id should be hard to guess.
func Digest(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:6])
}
