package ruleset

import (
	"slices"

	"github.com/dns-orders/blocklist/plugin/coop"
	"github.com/dns-orders/blocklist/plugin/order"
)

var longListFrom = 16

// A longList is the index of a long list of rules. Queries use the index to skip rules.
type longList struct {
	ends   [blockBelow + 1]int // for each kind, the index after its last rule
	lifts  liftIndex
	blocks []listBlock // one element for each block rule of the list
}

type listBlock struct {
	from      order.Time // the first second in force
	over      order.Time // the second after the last second in force
	lifted    interval   // in this interval, lifts end the block for all clients
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

func (b *Builder) addLongList(ref uint32, list []rule) {
	x := b.indexLongList(list)
	if x == nil {
		return
	}
	if b.part.longLists == nil {
		b.part.longLists = map[uint32]*longList{}
	}
	b.part.longLists[ref], b.part.rules[ref].long = x, true
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
		x.lifts.add(p.entries.at(list[i].entry), uint32(i), p.over(list[i].sched))
	}
	x.lifts.sort()
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
		x.blocks[i] = listBlock{from, p.over(r.sched), p.liftedIn(list, x, r, e), e.scope, e.exempt, e.scope.hasCountries(), r.shadow, e.force != nil}
	}
	return x
}

func (p *Part) liftedIn(list []rule, x *longList, block *rule, e *entry) (at interval) {
	try := func(rule uint32) {
		r := &list[rule]
		by := p.entries.at(r.entry)
		if (r.kind == liftSubtree || r.kind.match() == block.kind.match()) && !r.shadow && r.group == 0 && by.reaches(e) {
			at = later(at, p.lastForAll(by, r.sched))
		}
	}
	named, after := x.lifts.of(e)
	for _, rule := range named {
		try(rule)
	}
	for _, l := range after[max(0, len(after)-longListFrom):] {
		try(l.rule)
	}
	return at
}

func (p *Part) lastForAll(l *entry, sched uint32) interval {
	if ivs := p.ivs(sched); l.forAll() && len(ivs) > 0 {
		return ivs[len(ivs)-1]
	}
	return interval{}
}

// later returns the interval that ends later.
func later(x, y interval) interval {
	if x.until < y.until || x.until == y.until && y.from < x.from {
		return y
	}
	return x
}

func (s *Set) findLifted() {
	if len(s.liftings)+len(s.whole) == 0 {
		return
	}
	for i, seg := range s.segments {
		for at, x := range seg.longLists {
			s.relist(i, x, seg.list(at))
		}
		if seg.addrs == nil {
			continue
		}
		for _, at := range seg.addrs.All() {
			if at.long != nil {
				s.relist(i, at.long, at.rules)
			}
		}
	}
}

func (s *Set) relist(i int, x *longList, rules []rule) {
	var own *longList
	first := x.ends[liftBelow]
	for k := range x.blocks {
		coop.Tick(k)
		lifted := x.blocks[k].lifted
		at := later(lifted, s.liftedIn(s.source(i, rules[first+k].entry)))
		if at == lifted {
			continue
		}
		if own == nil {
			own = &longList{x.ends, x.lifts, slices.Clone(x.blocks)}
		}
		own.blocks[k].lifted = at
	}
	if own != nil {
		if s.relisted == nil {
			s.relisted = map[*longList]*longList{}
		}
		s.relisted[x] = own
	}
}

func (s *Set) source(i int, n uint32) *entry {
	parts := s.sources[i]
	for int(n) >= parts[0].entries.n {
		n, parts = n-uint32(parts[0].entries.n), parts[1:]
	}
	return parts[0].entries.at(n)
}

func (s *Set) liftedIn(e *entry) (at interval) {
	if times := s.liftedTimes(e); len(times) > 0 {
		at = times[len(times)-1]
	}
	return at
}

func (s *Set) longList(x *longList) *longList {
	if x == nil || s.relisted == nil {
		return x
	}
	if own := s.relisted[x]; own != nil {
		return own
	}
	return x
}
