package lint

import (
	"fmt"
	"maps"

	"github.com/dns-orders/blocklist/plugin/order"
)

// maxGuesses is the largest number of unknown ids that are compared with all ids of the set.
const maxGuesses = 20

// lifts suggests an id for each unknown id in lifts. The warnings of the set already report
// that the id is unknown.
func (l *linter) lifts(o *order.Order) {
	for i, id := range o.Lifts {
		if l.orders[id] != nil || l.guesses >= maxGuesses {
			continue
		}
		l.guesses++
		if near := order.Nearest(id, maps.Keys(l.orders)); near != "" {
			p := l.warn(o, nil, fmt.Sprintf("lifts[%d]", i), "no order has this id; did you mean %q?", near)
			p.Got, p.HasGot, p.Sealed = id, true, true // both ids may belong to sealed orders
		}
	}
}
