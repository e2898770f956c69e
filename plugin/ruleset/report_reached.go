package ruleset

import (
	"github.com/dns-orders/blocklist/plugin/order"
)

type meeting struct {
	lift    *entry
	reached bool
	// tie is an order in another file with the same rank as the lift, or nil. The orders of two
	// files have no known sequence, so the lift ends this order.
	tie *entry
}

// lifters finds the lifts that end at least one order. There may be very many lifts and orders, so
// lifters does not compare each lift with each order.
type lifters struct {
	all   []*meeting
	named map[string][]*meeting // the lifts that list ids, for each id
	// lowest has the lowest rank of the orders of each authority. It contains only the authorities
	// of lifts without ids.
	lowest map[Authority]Rank
	// ties has the orders with the same authority and rank as a lift without ids. For each file, it
	// has the order with the smallest index.
	ties map[moment]map[*string]*entry
}

type moment struct {
	authority Authority
	rank      Rank
}

func (e *entry) moment() moment { return moment{e.authority(), e.rank} }

var unreached = Rank{Forever, Forever}

func (x *lifters) add(m *meeting) {
	if x.all == nil {
		x.named, x.lowest, x.ties = map[string][]*meeting{}, map[Authority]Rank{}, map[moment]map[*string]*entry{}
	}
	x.all = append(x.all, m)
	for _, id := range m.lift.lifts {
		x.named[id] = append(x.named[id], m)
	}
	if len(m.lift.lifts) == 0 {
		x.lowest[m.lift.authority()] = unreached
		x.ties[m.lift.moment()] = map[*string]*entry{}
	}
}

// meet records the lifts that list the id of e. It also stores the rank of e for finish. Call meet
// for each block order, and then call finish.
func (x *lifters) meet(e *entry) {
	for _, m := range x.named[e.ID] {
		m.reached = true
	}
	if len(x.lowest) == 0 || e.rank.decided == order.NoTime {
		return
	}
	at := e.moment()
	if low, ok := x.lowest[at.authority]; ok && e.rank.Compare(low) < 0 {
		x.lowest[at.authority] = e.rank
	}
	if tied := x.ties[at]; tied != nil {
		if was := tied[e.file]; was == nil || e.index < was.index {
			tied[e.file] = e
		}
	}
}

// finish finds out whether the lifts without ids end an order. Call finish after the last call of
// meet.
func (x *lifters) finish() {
	for _, m := range x.all {
		l := m.lift
		if len(l.lifts) > 0 {
			continue
		}
		m.reached = m.reached || x.lowest[l.authority()].Compare(l.rank) < 0
		for file, e := range x.ties[l.moment()] {
			switch {
			case file == l.file:
				m.reached = m.reached || e.index < l.index
			case m.tie == nil || *file < *m.tie.file:
				m.reached, m.tie = true, e
			default:
				m.reached = true
			}
		}
	}
}

// Reached returns the lifts that end at least one of the orders. It assumes that the lifts and the
// orders are in different files. A lift therefore also ends the orders of equal rank.
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
