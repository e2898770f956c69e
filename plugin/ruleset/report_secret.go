package ruleset

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/dns-orders/blocklist/plugin/order"
)

// A secrecy describes the orders that a lift reaches, so that the label of the lift can be as
// secret as these orders.
type secrecy struct {
	sealed bool // the lift reaches a sealed order
	known  bool // the lift reaches an order, and all orders that it names are in the set
}

// secrecies returns the secrecy of each of the lifts. Here a lift reaches the orders that it
// names, or earlier orders of its authority, whatever their targets are.
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

// isSecret reports whether the ordinary log must not name an order. A lift reveals the orders
// that it lifts, so a lift without a disclosure is as secret as they are. If an order that the
// lift reaches is unknown, it may be a sealed order of a bad file, so the lift is secret too.
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

// label returns the name of an order that all readers may see.
func (e *entry) label(found ...secrecy) string {
	if e.isSecret(found...) {
		return sealedLabel(e.ID)
	}
	return e.ID
}

// Label returns a name for the order that all readers may see, as in the log. It is the id or,
// for a sealed order, the Digest of the id, which blocklistctl list shows beside the id.
func (o *Order) Label() string {
	if o.Terms.Disclosure.Sealed() {
		return sealedLabel(o.ID)
	}
	return o.ID
}

func sealedLabel(id string) string { return "sealed:" + Digest(id) }

// Digest returns the public name of a sealed order: the first 12 hexadecimal digits of the
// SHA-256 of its id. A reader can verify a guess of the id, so the ids of sealed orders should
// be hard to guess.
func Digest(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:6])
}
