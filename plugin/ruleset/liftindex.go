package ruleset

import (
	"cmp"
	"slices"

	"github.com/dns-orders/blocklist/plugin/order"
)

// A Rank sorts the orders of an authority by decision time, and then by the field "from".
type Rank struct{ decided, from order.Time }

// RankOf returns the rank of an order. A block order without dates has the lowest rank.
func RankOf(o *order.Order) Rank { return Rank{o.DecidedAt(), o.From} }

// Reaches reports whether a lift with this rank ends an order of the same authority. A lift also
// ends orders of equal rank. A lift that lists ids does not use its rank.
func (r Rank) Reaches(o *order.Order) bool {
	return o.DecidedAt() != order.NoTime && RankOf(o).Compare(r) <= 0
}

// Compare compares two ranks like cmp.Compare.
func (r Rank) Compare(o Rank) int {
	return cmp.Or(cmp.Compare(r.decided, o.decided), cmp.Compare(r.from, o.from))
}

// An Authority identifies an authority. A lift without ids ends earlier orders of the same
// Authority.
type Authority struct {
	name    string
	country order.Country
}

// AuthorityOf returns the authority of an order.
func AuthorityOf(t *order.Terms) Authority { return Authority{t.Authority.Name, t.Authority.Country} }

func (e *entry) authority() Authority { return AuthorityOf(e.Terms) }

func (l *entry) forAll() bool { return l.scope == nil && !l.excepts }

func (l *entry) reaches(e *entry) bool {
	if e.action != order.Block {
		return false
	}
	if len(l.lifts) > 0 {
		_, ok := slices.BinarySearch(l.lifts, e.ID)
		return ok
	}
	a, b := &l.Terms.Authority, &e.Terms.Authority
	if a.Name != b.Name || a.Country != b.Country || e.rank.decided == order.NoTime {
		return false
	}
	if c := e.rank.Compare(l.rank); c != 0 {
		return c < 0
	}
	// Orders in two files have no known sequence. The lift ends the order, because no name may be
	// blocked without a valid order.
	return e.file != l.file || e.index < l.index
}

type liftIndex struct {
	named map[string][]uint32 // for each id, the rules of the lifts that list the id
	later map[Authority][]listLift
}

// A listLift is a lift without ids.
type listLift struct {
	rule uint32
	rank Rank
	over order.Time
}

func (x *liftIndex) add(e *entry, rule uint32, over order.Time) {
	if len(e.lifts) == 0 {
		if x.later == nil {
			x.later = map[Authority][]listLift{}
		}
		x.later[e.authority()] = append(x.later[e.authority()], listLift{rule, e.rank, over})
		return
	}
	if x.named == nil {
		x.named = map[string][]uint32{}
	}
	for _, id := range e.lifts {
		x.named[id] = append(x.named[id], rule)
	}
}

// Call sort after the last call of add.
func (x *liftIndex) sort() {
	for _, later := range x.later {
		slices.SortStableFunc(later, func(a, b listLift) int { return b.rank.Compare(a.rank) })
		for i := range later[1:] {
			later[i+1].over = max(later[i+1].over, later[i].over)
		}
	}
}

func (x *liftIndex) of(e *entry) (named []uint32, later []listLift) {
	if len(x.named) > 0 {
		named = x.named[e.ID]
	}
	if len(x.later) == 0 || e.rank.decided == order.NoTime {
		return named, nil
	}
	later = x.later[e.authority()]
	n, _ := slices.BinarySearchFunc(later, e.rank, func(l listLift, r Rank) int {
		if l.rank.Compare(r) < 0 {
			return 1
		}
		return -1
	})
	return named, later[:n]
}
