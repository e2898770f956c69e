package ruleset

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/dns-orders/blocklist/plugin/order"
)

// Freeze returns the compiled part and its problems. If the index is full, the problems contain an
// error. Do not use the Builder after Freeze.
func (b *Builder) Freeze() (*Part, order.Problems) {
	p := b.part
	p.rules = b.rules
	for i := range p.rules {
		p.rules[i].last = true
	}
	full := b.index.Full()
	b.freezeNames()
	b.freezeAddresses()
	p.rules = fit(p.rules)
	p.entries.fit()
	p.deadlines, p.reviews = fit(p.deadlines), fit(p.reviews)
	p.dutyTargets = fit(p.dutyTargets)
	p.intervals = fit(p.intervals)
	p.schedules = fit(p.schedules)
	b.measure()
	var problems order.Problems
	if full {
		problems = append(problems, order.Problem{File: p.Path(), Msg: "has more names than an index of 4 GiB has room for; split it into several files"})
	}
	for i, e := range p.entries.all() {
		if n := b.repeated[i]; n > 0 {
			problems = append(problems, e.warning("targets_from", fmt.Sprintf("%d targets of the order stand more than once", n)))
		}
	}
	*b = Builder{}
	return p, problems
}

func (b *Builder) freezeNames() {
	p := b.part
	lists := map[string]uint32{}
	var key []byte
	var list []rule
	join := func(values []uint32) uint32 {
		list = list[:0]
		for _, v := range values {
			list = append(list, p.rules[v])
		}
		list = b.sortMerge(list, func(e *entry) { e.names-- })
		key = appendKey(key[:0], list)
		ref, ok := lists[string(key)]
		if !ok {
			ref = uint32(len(p.rules))
			p.rules = append(p.rules, list...)
			b.addLongList(ref, list)
			if len(lists) < 1<<16 {
				lists[string(key)] = ref
			}
		}
		return ref
	}
	last := struct {
		ref     uint32
		mark    bool
		blocked int
	}{ref: math.MaxUint32}
	p.names = b.index.Freeze(join, func(ref uint32) bool {
		if last.ref != ref {
			list := p.list(ref)
			last.ref, last.mark, last.blocked = ref, slices.ContainsFunc(list, p.mayDiffer), int(b2u(blocks(list)))
		}
		p.blocked += last.blocked
		return last.mark
	})
}

func (p *Part) mayDiffer(r rule) bool {
	e := p.entries.at(r.entry)
	return e.status == order.Active && !r.shadow && (r.kind < blockExact || e.response.Kind != order.NXDOMAIN)
}

func (b *Builder) sortMerge(list []rule, uncount func(*entry)) []rule {
	entries := &b.part.entries
	slices.SortStableFunc(list, b.part.compare)
	for i := 1; i < len(list); i++ {
		if x, y := list[i-1], list[i]; x.entry == y.entry && x.kind == y.kind && x.kind != except && y.kind != except {
			e := entries.at(y.entry)
			if n, ok := b.repeated[y.entry]; ok {
				b.repeated[y.entry] = n + 1
			}
			uncount(e)
		}
	}
	list = slices.Compact(list)
	for i := range list {
		list[i].last = i == len(list)-1
	}
	return list
}

func (p *Part) compare(x, y rule) int {
	if x.kind == except && y.kind == except {
		return cmp.Compare(x.entry, y.entry)
	}
	return cmp.Or(cmp.Compare(x.kind, y.kind), precedence(p.entries.at(x.entry), p.entries.at(y.entry)), cmp.Compare(x.entry, y.entry))
}

// precedence compares two orders with equal targets. The order that was issued first has
// precedence. Orders without a date come last.
func precedence(x, y *entry) int {
	if x == y {
		return 0
	}
	return cmp.Or(cmp.Compare(noTimeLast(x.issued()), noTimeLast(y.issued())), cmp.Compare(x.ID, y.ID))
}

func noTimeLast(t order.Time) order.Time {
	if t == order.NoTime {
		return Forever
	}
	return t
}

func appendKey(key []byte, list []rule) []byte {
	for _, r := range list {
		key = binary.LittleEndian.AppendUint32(key, r.entry)
		key = binary.LittleEndian.AppendUint32(key, r.sched)
		key = binary.LittleEndian.AppendUint32(key, r.group)
		key = append(key, byte(r.kind), b2u(r.shadow))
	}
	return key
}

func (b *Builder) freezeAddresses() {
	if b.addrs == nil {
		return
	}
	b.part.addrs = new(addressTable)
	for x, list := range b.addrs {
		list = slices.Clip(b.sortMerge(list, func(e *entry) { e.addrs-- }))
		b.part.addrs.Insert(x, netRules{list, b.indexLongList(list)})
	}
}
