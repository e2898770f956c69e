package ruleset

import (
	"cmp"
	"slices"

	"github.com/dns-orders/blocklist/plugin/order"
)

// crowdFrom is the number of rules from which a name has a crowd. A variable, so
// that tests can have crowds in small worlds.
var crowdFrom = 16

// crowd is what helps to find one's way among very many rules at one name, so that
// a query need not look at each: a name that a hundred authorities have ordered,
// or the same one again every season.
type crowd struct {
	// Of n rules the first are exceptions, those up to cancels lifts.
	n, excepts, cancels int
	// byID are the lifts that say which orders they reach, by those orders' ids;
	// others are the other lifts, those of the latest place in history first.
	byID   map[string][]uint32
	others []uint32
	// gone has for each block the time from which on it does nothing to anybody,
	// as a tree: that of a node is the latest of its two children, 2i and 2i+1.
	gone []order.Time
}

// crowd returns the crowd among the rules that start at ref, nil when they are few.
func (p *Part) crowd(ref uint32) *crowd {
	if !p.rules[ref].crowd {
		return nil
	}
	return p.crowds[ref]
}

// gather makes the crowd of the rules that start at ref, when they are many.
func (p *Part) gather(ref uint32, list []rule) {
	if len(list) < crowdFrom {
		return
	}
	c := &crowd{n: len(list)}
	for i := range list {
		switch r := &list[i]; {
		case r.kind == except:
			c.excepts++
			c.cancels++
		case r.kind.isLift():
			c.cancels++
			l := p.entries.at(r.entry)
			if len(l.lifts) == 0 {
				c.others = append(c.others, uint32(i))
			}
			for _, id := range l.lifts {
				if c.byID == nil {
					c.byID = map[string][]uint32{}
				}
				c.byID[id] = append(c.byID[id], uint32(i))
			}
		}
	}
	slices.SortStableFunc(c.others, func(x, y uint32) int {
		return cmp.Compare(p.entries.at(list[y].entry).place, p.entries.at(list[x].entry).place)
	})
	size := 1
	for size < c.n-c.cancels {
		size *= 2
	}
	c.gone = slices.Repeat([]order.Time{order.NoTime}, 2*size)
	for i := range list[c.cancels:] {
		c.gone[size+i] = c.goneFrom(p, list, &list[c.cancels+i])
	}
	for i := size - 1; i > 0; i-- {
		c.gone[i] = max(c.gone[2*i], c.gone[2*i+1])
	}
	if p.crowds == nil {
		p.crowds = map[uint32]*crowd{}
	}
	p.crowds[ref] = c
	p.rules[ref].crowd = true
}

// goneFrom returns when the last interval of a block ends, or a lift takes it away
// for good and for everyone.
func (c *crowd) goneFrom(p *Part, list []rule, r *rule) order.Time {
	gone := order.NoTime
	if ivs := p.ivs(r.sched); len(ivs) > 0 {
		gone = ivs[len(ivs)-1].until
	}
	e := p.entries.at(r.entry)
	lift := func(x uint32) {
		l := &list[x]
		by, ivs := p.entries.at(l.entry), p.ivs(l.sched)
		if l.shadow || l.group != 0 || by.scope != nil || by.excepts || len(ivs) == 0 || ivs[len(ivs)-1].until != Forever ||
			l.kind != liftSubtree && l.kind.match() != r.kind.match() || !by.reaches(e) {
			return
		}
		gone = min(gone, ivs[len(ivs)-1].from)
	}
	for _, x := range c.byID[e.ID] {
		lift(x)
	}
	// The next few lifts in history: the very next is that of the order, mostly.
	next, _ := slices.BinarySearchFunc(c.others, e.place, func(x uint32, place order.Time) int {
		if p.entries.at(list[x].entry).place >= place {
			return -1
		}
		return 1
	})
	for _, x := range c.others[max(0, next-crowdFrom):next] {
		lift(x)
	}
	return gone
}

// next returns the place of the first rule from the k-th on, blocks all of them,
// that is not gone.
func (c *crowd) next(k int, now order.Time) int {
	size := len(c.gone) / 2
	if k -= c.cancels; k >= size {
		return c.n
	}
	i := size + k
	for c.gone[i] <= now {
		for i&1 == 1 {
			i /= 2 // all of this node's right edge is behind us
		}
		if i == 0 {
			return c.n
		}
		i++
	}
	for i < size {
		if i *= 2; c.gone[i] <= now {
			i++
		}
	}
	return c.cancels + i - size
}

// skip returns the place of the next rule from the k-th on that can make a
// difference to anybody.
func (h *hit) skip(k int, now order.Time) int {
	if h.crowd == nil || k >= len(h.rules) {
		return k
	}
	return h.crowd.next(max(k, h.crowd.cancels), now)
}

// exceptions returns the rules among which those of the order's exceptions are.
func (h *hit) exceptions(e *entry) []rule {
	if h.crowd == nil {
		return h.rules
	}
	all := h.rules[:h.crowd.excepts]
	at, _ := slices.BinarySearchFunc(all, e, func(r rule, e *entry) int { return precedence(h.part.entries.at(r.entry), e) })
	end := at
	for end < len(all) && h.part.entries.at(all[end].entry) == e {
		end++
	}
	return all[at:end]
}
