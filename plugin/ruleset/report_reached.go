package ruleset

import (
	"cmp"
	"slices"

	"github.com/dns-orders/blocklist/plugin/order"
)

// A meeting records whether a lift ends at least one order.
type meeting struct {
	lift    *entry
	reached bool
	// tie is an order in another file that has the same rank as the lift. The sequence of orders in
	// two files is not known, so the lift ends this order.
	tie *entry
}

// lifters finds the lifts that end at least one order. There may be very many lifts and orders, so
// lifters does not compare each lift with each order.
type lifters struct {
	liftIndex[*meeting]
	sorted bool
	// For each authority, reached is the number of lifts at the beginning of the list `later` that
	// end an order of lower rank.
	reached map[Authority]int
	// ties contains the orders whose rank is equal to the rank of a lift of the same authority.
	ties map[moment]ties
}

// A moment is an authority and a rank. The orders and lifts of one moment have equal dates.
type moment struct {
	authority Authority
	rank      Rank
}

// ties contains the orders of one moment, by file. The sequence of orders is known only within a
// file.
type ties map[*string]*tied

// A tied describes the orders of one file with equal ranks. The field entry is the first order that
// was added. The field index is the lowest position of these orders in the file.
type tied struct {
	entry *entry
	index int32
}

func (t ties) add(e *entry) {
	x := t[e.file]
	if x == nil {
		x = &tied{e, e.index}
		t[e.file] = x
	}
	x.index = min(x.index, e.index)
}

func (t ties) byFile() []*entry {
	out := make([]*entry, 0, len(t))
	for _, x := range t {
		out = append(out, x.entry)
	}
	slices.SortFunc(out, func(x, y *entry) int { return cmp.Compare(*x.file, *y.file) })
	return out
}

// finish records whether the lift of m ends an order of t. The lift and the orders have
// equal ranks.
func (t ties) finish(m *meeting, byFile []*entry) {
	l := m.lift
	if x := t[l.file]; x != nil && x.index < l.index {
		m.reached = true
	}
	i := slices.IndexFunc(byFile, func(e *entry) bool { return e.file != l.file }) // the index is 0 or 1
	if i < 0 {
		return
	}
	m.reached = true
	if e := byFile[i]; m.tie == nil || *e.file < *m.tie.file {
		m.tie = e
	}
}

func (x *lifters) add(m *meeting) { x.liftIndex.add(m.lift, m) }

// meet records the lifts that end the order e. Call meet for each block order, and then call
// finish.
func (x *lifters) meet(e *entry) {
	if !x.sorted {
		x.sort()
		x.sorted = true
	}
	named, later := x.of(e)
	for _, m := range named {
		m.reached = true
	}
	n := higher(later, e.rank)
	if n < len(later) {
		at := moment{e.authority(), e.rank}
		if x.ties == nil {
			x.ties = map[moment]ties{}
		}
		if x.ties[at] == nil {
			x.ties[at] = ties{}
		}
		x.ties[at].add(e)
	}
	if n > 0 {
		if x.reached == nil {
			x.reached = map[Authority]int{}
		}
		x.reached[e.authority()] = max(x.reached[e.authority()], n)
	}
}

// finish completes the meetings. Call finish after the last call of meet.
func (x *lifters) finish() {
	for a, n := range x.reached {
		for _, l := range x.later[a][:n] {
			l.lift.reached = true
		}
	}
	for at, t := range x.ties {
		byFile := t.byFile()
		later := x.later[at.authority]
		for i := higher(later, at.rank); i < len(later) && later[i].rank == at.rank; i++ {
			t.finish(later[i].lift, byFile)
		}
	}
}

// Reached returns the lifts that end at least one of the orders. A lift also ends orders of equal
// rank, because the lift and the order may be in different files.
func Reached(lifts, orders []*order.Order) map[*order.Order]bool {
	var x lifters
	found := make(map[*order.Order]*meeting, len(lifts))
	compiled := func(o *order.Order, file *string) *entry {
		c := &Common{Terms: o.Terms, action: o.Action, file: file, lifts: o.Lifts}
		return &entry{Order: Order{ID: o.ID, Common: c}, rank: RankOf(o)}
	}
	one, other := "one file", "another file"
	for _, l := range lifts {
		found[l] = &meeting{lift: compiled(l, &one)}
		x.add(found[l])
	}
	for _, o := range orders {
		if !o.Lifting() {
			x.meet(compiled(o, &other))
		}
	}
	x.finish()
	out := map[*order.Order]bool{}
	for l, m := range found {
		if m.reached {
			out[l] = true
		}
	}
	return out
}
