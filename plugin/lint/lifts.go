package lint

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/order"
)

const maxGuesses = 20

func (l *linter) lifts(o *order.Order) {
	for i, id := range o.Lifts {
		if l.orders[id] != nil || l.guesses >= maxGuesses {
			continue
		}
		l.guesses++
		if near := l.nearest(id); near != "" {
			p := l.warn(o, nil, fmt.Sprintf("lifts[%d]", i), "the lift names an order that is not in the set; did you mean %q?", near)
			p.Got, p.HasGot, p.Sealed = id, true, true // the ids may belong to sealed orders (secret orders)
		}
	}
}

func (l *linter) nearest(id string) string { return NearestID(id, slices.Values(l.blockIDs())) }

// NearestID returns the id that is most similar to a misspelled id. The result may be empty.
// NearestID also corrects digits.
func NearestID(id string, ids iter.Seq[string]) string {
	found := map[string]string{}
	near := order.Nearest(lengthened(id), func(yield func(string) bool) {
		for known := range ids {
			word := lengthened(known)
			found[word] = known
			if !yield(word) {
				return
			}
		}
	})
	return found[near]
}

func lengthened(id string) string {
	return "id:" + strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return r - '0' + '\u2460'
		}
		return r
	}, id)
}

func (l *linter) blockIDs() []string {
	if l.ids == nil {
		for id, o := range l.orders {
			if !o.Lifting() {
				l.ids = append(l.ids, id)
			}
		}
		slices.Sort(l.ids)
	}
	return l.ids
}
