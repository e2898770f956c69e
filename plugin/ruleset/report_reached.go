package ruleset

import (
	"github.com/dns-orders/blocklist/plugin/order"
)

type meeting struct {
	lift    *entry
	reached bool
	tie     *entry
}

type lifters struct {
	all    []*meeting
	named  map[string][]*meeting // the lifts that list ids, for each id
	lowest map[Authority]Rank
	ties   map[moment]map[*string]*entry
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

// Reached returns the lifts that end at least one of the orders. The lifts and the orders must be
// in different files.
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
