package ruleset

import (
	"slices"

	"github.com/dns-orders/blocklist/plugin/coop"
	"github.com/dns-orders/blocklist/plugin/order"
)

// longListFrom is the lowest length of a list of rules that gets an index. Tests set it
// lower.
var longListFrom = 16

// A longList is the index of a long list of rules. With the index, a query skips rules that cannot
// change the verdict.
type longList struct {
	ends   [blockBelow + 1]int // for each kind, the index after its last rule
	lifts  liftIndex[listLift]
	blocks []listBlock // one element for each block rule of the list
}

// A listLift is a lift in a longList.
type listLift struct {
	rule uint32
	// over is the time at which the lift has ended. If the lift is in liftIndex.later, all lifts
	// before this lift in the list have ended too.
	over order.Time
}

// A listBlock has the properties by which most queries can skip a block rule.
type listBlock struct {
	from      order.Time // the first second in force
	over      order.Time // the second after the last second in force
	lifted    order.Time // from this time on, lifts end the block for all clients for ever
	scope     *scope
	exempt    *exempt
	countries bool // the scope lists countries
	shadow    bool
	forced    bool // the order enforces some target although the guard objects
}

func (p *Part) longList(ref uint32) *longList {
	if !p.rules[ref].long {
		return nil
	}
	return p.longLists[ref]
}

func (b *Builder) indexLongList(list []rule) *longList {
	if len(list) < longListFrom {
		return nil
	}
	p, x := b.part, &longList{}
	for i := range list {
		for k := list[i].kind; k <= blockBelow; k++ {
			x.ends[k] = i + 1
		}
	}
	for i := x.ends[except]; i < x.ends[liftBelow]; i++ {
		x.lifts.add(p.entries.at(list[i].entry), listLift{uint32(i), p.over(list[i].sched)})
	}
	x.lifts.sort()
	for _, later := range x.lifts.later {
		for i := range later[1:] {
			later[i+1].lift.over = max(later[i+1].lift.over, later[i].lift.over)
		}
	}
	blocks := list[x.ends[liftBelow]:]
	x.blocks = make([]listBlock, len(blocks))
	for i := range blocks {
		coop.Tick(i)
		r := &blocks[i]
		e := p.entries.at(r.entry)
		from := order.NoTime
		if ivs := p.ivs(r.sched); len(ivs) > 0 {
			from = ivs[0].from
		}
		x.blocks[i] = listBlock{from, p.over(r.sched), b.liftedForGood(list, x, r, e), e.scope, e.exempt, e.scope.hasCountries(), r.shadow, e.force != nil}
	}
	return x
}

// liftedForGood returns a time from which on a block is lifted for all clients for ever. It checks
// only some lifts, so the block may be lifted earlier. If it finds no time, it returns Forever.
func (b *Builder) liftedForGood(list []rule, x *longList, block *rule, e *entry) order.Time {
	p, from := b.part, Forever
	if at, ok := b.wholeLifts[e.ID]; ok {
		from = at
	}
	try := func(l listLift) {
		r := &list[l.rule]
		by := p.entries.at(r.entry)
		if (r.kind == liftSubtree || r.kind.match() == block.kind.match()) && !r.shadow && r.group == 0 && by.reaches(e) {
			from = min(from, p.forGood(by, r.sched))
		}
	}
	named, later := x.lifts.of(e)
	for _, l := range named {
		try(l)
	}
	for _, l := range later[max(0, len(later)-longListFrom):] {
		try(l.lift)
	}
	return from
}

// forGood returns the time from which on a lift applies to all clients for ever. If the lift has a
// scope, an exception or an end, forGood returns Forever.
func (p *Part) forGood(l *entry, sched uint32) order.Time {
	if ivs := p.ivs(sched); l.scope == nil && !l.excepts && p.over(sched) == Forever {
		return ivs[len(ivs)-1].from
	}
	return Forever
}

// findLifted sets s.relisted. The index of a long list does not know the lifts of a whole order,
// lifts at other names and lifts in other files. Without s.relisted, a query would search these
// lifts for each order of the list.
func (s *Set) findLifted() {
	for i, seg := range s.segments {
		for at, x := range seg.longLists {
			s.relist(i, x, seg.list(at))
		}
		if seg.addrs != nil && len(s.liftings)+len(s.whole) > 0 {
			for _, at := range seg.addrs.All() {
				s.relist(i, at.long, at.rules)
			}
		}
	}
}

// relist adds a copy of the long list x to s.relisted, if an order of the list is lifted for ever.
// The list is in the segment with number i.
func (s *Set) relist(i int, x *longList, rules []rule) {
	if x == nil || len(s.liftings)+len(s.whole) == 0 {
		return
	}
	var own *longList
	first := x.ends[liftBelow]
	for k := range x.blocks {
		coop.Tick(k)
		from := s.liftedForGood(s.source(i, rules[first+k].entry))
		if from >= x.blocks[k].lifted {
			continue
		}
		if own == nil {
			own = &longList{x.ends, x.lifts, slices.Clone(x.blocks)}
		}
		own.blocks[k].lifted = from
	}
	if own != nil {
		if s.relisted == nil {
			s.relisted = map[*longList]*longList{}
		}
		s.relisted[x] = own
	}
}

// source returns the original of entry n in the segment with number i. The original is an entry of
// a part.
func (s *Set) source(i int, n uint32) *entry {
	parts := s.sources[i]
	for int(n) >= parts[0].entries.n {
		n, parts = n-uint32(parts[0].entries.n), parts[1:]
	}
	return parts[0].entries.at(n)
}

// liftedForGood returns a time from which on all targets of the order are lifted for all
// clients for ever, or Forever.
func (s *Set) liftedForGood(e *entry) order.Time {
	from := Forever
	if x := s.liftings[e]; x != nil && len(x.order) > 0 {
		if last := x.order[len(x.order)-1]; last.until == Forever {
			from = last.from
		}
	}
	for _, w := range s.whole[e.ID] {
		if !w.shadow() {
			from = min(from, w.part.forGood(w.entry, w.entry.sched))
		}
	}
	return from
}

// longList returns the copy of x in s.relisted, or x if there is no copy. The copy also contains
// the times at which lifts outside the list end the orders.
func (s *Set) longList(x *longList) *longList {
	if x == nil || s.relisted == nil {
		return x
	}
	if own := s.relisted[x]; own != nil {
		return own
	}
	return x
}
