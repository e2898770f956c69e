package ruleset

import (
	"cmp"
	"slices"

	"github.com/dns-orders/blocklist/plugin/order"
)

// A meeting records whether a lift ends the effect of at least one order.
type meeting struct {
	lift    *entry
	reached bool
	// tie is an order in another file with an equal decision time. Nothing says which file
	// came first, so the lift ends this order.
	tie *entry
}

// lifters finds out which lifts end the effect of at least one order. It avoids comparing each
// lift with each order, because a set may have very many of both.
type lifters struct {
	liftIndex[*meeting]
	sorted bool
	// reached is the number of lifts at the beginning of the list `later` that end an order of
	// lower rank.
	reached map[Authority]int
	// ties contains the orders whose rank is equal to the rank of a lift of their authority.
	ties map[moment]ties
}

// A moment is a rank in the history of an authority.
type moment struct {
	authority Authority
	rank      Rank
}

// ties contains the orders of one moment by file. Orders in one file are in sequence; orders
// in different files are not.
type ties map[*string]*tied

// A tied describes the orders of one file with equal rank. It contains the first order that
// was added, and the smallest index.
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

// byFile returns one order of each file, sorted by path.
func (t ties) byFile() []*entry {
	out := make([]*entry, 0, len(t))
	for _, x := range t {
		out = append(out, x.entry)
	}
	slices.SortFunc(out, func(x, y *entry) int { return cmp.Compare(*x.file, *y.file) })
	return out
}

// finish records whether the lift of m ends an order of t. All of them have equal ranks.
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

// meet must be called for each block order. It records the lifts that end the order.
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

// finish must be called after the last call of meet.
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

// Reached returns the lifts that end the effect of at least one of the orders. For equal
// ranks, it assumes that a lift ends an order, because they may be in different files.
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
