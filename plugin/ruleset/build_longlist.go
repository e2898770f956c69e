package ruleset

import (
	"github.com/dns-orders/blocklist/plugin/coop"
	"github.com/dns-orders/blocklist/plugin/order"
)

// longListFrom is the number of rules from which a list has an index. It is a variable so that
// tests can index short lists.
var longListFrom = 16

// A longList is the index of a list with many rules. An example is the list of a name that a
// hundred authorities have ordered, or that one authority orders again every season. With the
// index, a query checks a block only if the block can change the verdict. The verdict is the
// same as without the index.
type longList struct {
	ends   [blockBelow + 1]int // the indexes at which the rules of each kind end
	lifts  liftIndex[listLift]
	blocks []listBlock // for each block of the list, in the sequence of the list
}

// A listLift is a lift of a longList.
type listLift struct {
	rule uint32
	// over is the time at which this lift and the lifts before it in liftIndex.later are over.
	over order.Time
}

// A listBlock has the properties of a block of a longList for which most queries skip the block.
type listBlock struct {
	from      order.Time // the time at which the block is first in force
	over      order.Time // the time from which on the block is not in force any more
	lifted    order.Time // the time from which on lifts end the block for good and for all clients
	scope     *scope
	exempt    *exempt
	countries bool // the scope has countries
	shadow    bool
	forced    bool // the order forces a target, maybe this target
}

// longList returns the index of the list that starts at ref, or nil if the list is short.
func (p *Part) longList(ref uint32) *longList {
	if !p.rules[ref].long {
		return nil
	}
	return p.longLists[ref]
}

// indexLongList makes the index of a list with at least longListFrom rules. It returns nil for a
// shorter list.
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

// liftedForGood returns the time from which on lifts end a block for good and for all clients,
// or Forever if no time is known. It looks only at lifts of the whole order in the same part
// and at the nearest lifts in the list, because it only saves time.
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

// forGood returns the time from which on a lift is in force for good, for all clients and
// without exceptions, or Forever if there is no such time.
func (p *Part) forGood(l *entry, sched uint32) order.Time {
	if ivs := p.ivs(sched); l.scope == nil && !l.excepts && p.over(sched) == Forever {
		return ivs[len(ivs)-1].from
	}
	return Forever
}
