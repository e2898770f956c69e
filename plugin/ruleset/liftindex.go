package ruleset

import (
	"cmp"
	"slices"

	"github.com/dns-orders/blocklist/plugin/order"
)

// A Rank is the position of an order in the history of its authority: the decision time. If
// decision times are equal, from decides.
type Rank struct{ decided, from order.Time }

// RankOf returns the rank of an order. The rank of a block order without dates is lower than
// all others.
func RankOf(o *order.Order) Rank { return Rank{o.DecidedAt(), o.From} }

// Reaches reports whether a lift without ids that has the rank r reaches an order of the same
// authority. If the order has the same rank, Reaches returns true, although a lift does not
// reach later orders of its own file.
func (r Rank) Reaches(o *order.Order) bool {
	return o.DecidedAt() != order.NoTime && RankOf(o).Compare(r) <= 0
}

// Compare returns a negative number if r is lower than o, and a positive number if r is higher.
func (r Rank) Compare(o Rank) int {
	return cmp.Or(cmp.Compare(r.decided, o.decided), cmp.Compare(r.from, o.from))
}

// An Authority has the fields by which lifts without ids find the orders that they reach.
type Authority struct {
	name    string
	country order.Country
}

// AuthorityOf returns the authority of an order or lift.
func AuthorityOf(t *order.Terms) Authority { return Authority{t.Authority.Name, t.Authority.Country} }

func (e *entry) authority() Authority { return AuthorityOf(e.Terms) }

// reaches reports whether a lift reaches an order. A lift with ids reaches the orders that it
// names. A lift without ids reaches orders of the same authority with a lower rank.
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
	// The sequence of orders in different files is unknown. The lift applies, so that no name
	// is blocked without an order, and Merge warns.
	return e.file != l.file || e.index < l.index
}

// A liftIndex finds the lifts that reach an order without looking at all lifts. L is the
// caller's data about a lift.
type liftIndex[L any] struct {
	named map[string][]L            // the lifts with ids, by each id
	later map[Authority][]ranked[L] // the lifts without ids, highest rank first after sort
}

type ranked[L any] struct {
	rank Rank
	lift L
}

func (x *liftIndex[L]) empty() bool { return len(x.named)+len(x.later) == 0 }

// add adds the lift e, with the data l.
func (x *liftIndex[L]) add(e *entry, l L) {
	if len(e.lifts) == 0 {
		if x.later == nil {
			x.later = map[Authority][]ranked[L]{}
		}
		x.later[e.authority()] = append(x.later[e.authority()], ranked[L]{e.rank, l})
		return
	}
	if x.named == nil {
		x.named = map[string][]L{}
	}
	for _, id := range e.lifts {
		x.named[id] = append(x.named[id], l)
	}
}

// sort must be called after the last call of add.
func (x *liftIndex[L]) sort() {
	for _, later := range x.later {
		slices.SortStableFunc(later, func(a, b ranked[L]) int { return b.rank.Compare(a.rank) })
	}
}

// of returns the lifts that name the order e, and the lifts of its authority that do not have a
// lower rank than e. A lift with the rank of e may not reach e (see reaches).
func (x *liftIndex[L]) of(e *entry) (named []L, later []ranked[L]) {
	if len(x.named) > 0 {
		named = x.named[e.ID]
	}
	if len(x.later) == 0 || e.rank.decided == order.NoTime {
		return named, nil
	}
	later = x.later[e.authority()]
	n, _ := slices.BinarySearchFunc(later, e.rank, func(l ranked[L], r Rank) int {
		if l.rank.Compare(r) < 0 {
			return 1
		}
		return -1
	})
	return named, later[:n]
}

// higher returns how many of the lifts, which are sorted by rank, have a higher rank than r.
func higher[L any](later []ranked[L], r Rank) int {
	n, _ := slices.BinarySearchFunc(later, r, func(l ranked[L], r Rank) int { return r.Compare(l.rank) })
	return n
}
