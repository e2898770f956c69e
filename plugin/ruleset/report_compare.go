package ruleset

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/dns-orders/blocklist/plugin/order"
)

// A Diff describes the differences between two versions of a file.
type Diff struct {
	Added, Removed, Changed int
	orders                  []differing
}

type differing struct {
	part *Part  // the new version, or the old version of a removed order
	at   uint32 // the number of the order's entry in the new version
	old  *Part  // the old version, or nil for a new order
	was  uint32 // the number of the order's entry in the old version
	what What
}

func (d *differing) entry() *entry { return d.part.entries.at(d.at) }

const none = ^uint32(0)

// Compare returns the differences between two versions of a file. For a new file, the old version
// is nil. The last argument limits the number of orders in the Diff.
func Compare(old, new *Part, most int) *Diff {
	if old == nil {
		old = &Part{}
	}
	c := compareParts(old, new)
	d := &Diff{}
	note := func(x differing) {
		if len(d.orders) < most {
			d.orders = append(d.orders, x)
		}
	}
	for i, was := range c.was {
		switch {
		case was == none:
			d.Added++
			note(differing{new, uint32(i), nil, 0, Added})
		case c.differs[i]:
			d.Changed++
			note(differing{new, uint32(i), old, was, Changed})
		}
	}
	for i, now := range c.now {
		if now == none {
			d.Removed++
			note(differing{old, uint32(i), old, uint32(i), Removed})
		}
	}
	return d
}

type comparison struct {
	old, new  *Part
	was, now  []uint32 // for each entry of the part new, the number of the entry in the part old; and the reverse
	differs   []bool   // indexed by the number of the entry in the part new
	schedules []uint32
}

func compareParts(old, new *Part) *comparison {
	c := &comparison{old: old, new: new}
	c.pair()
	c.compareTerms()
	c.compareRules()
	return c
}

func (c *comparison) pair() {
	c.was, c.now = make([]uint32, c.new.entries.n), make([]uint32, c.old.entries.n)
	c.differs = make([]bool, c.new.entries.n)
	moved := map[string]uint32{}
	for i := range c.now {
		c.now[i] = none
		if e := c.old.entries.at(uint32(i)); i >= len(c.was) || c.new.entries.at(uint32(i)).ID != e.ID {
			moved[e.ID] = uint32(i)
		}
	}
	for i := range c.was {
		e := c.new.entries.at(uint32(i))
		was := uint32(i)
		if i >= len(c.now) || c.old.entries.at(was).ID != e.ID {
			var ok bool
			if was, ok = moved[e.ID]; !ok {
				c.was[i] = none
				continue
			}
		}
		c.was[i], c.now[was] = was, uint32(i)
	}
}

func (c *comparison) compareTerms() {
	same := sameTerms{}
	for i, was := range c.was {
		if was != none && !same.order(c.old, c.old.entries.at(was), c.new, c.new.entries.at(uint32(i))) {
			c.differs[i] = true
		}
	}
}

func (c *comparison) compareRules() {
	if c.old.entries.n == 0 {
		return
	}
	c.pairSchedules()
	for x := range c.new.names.Join(c.old.names) {
		if x.Both {
			c.compareLists(c.new.list(x.Ref), c.old.list(x.Other))
		} else {
			c.compareLists(c.new.list(x.Ref), nil)
		}
	}
	for x := range c.old.names.Join(c.new.names) {
		if !x.Both {
			c.compareLists(nil, c.old.list(x.Ref))
		}
	}
	for x, rules := range c.new.networks() {
		c.compareLists(rules, c.old.rulesAtNet(x))
	}
	for x, rules := range c.old.networks() {
		if c.new.rulesAtNet(x) == nil {
			c.compareLists(nil, rules)
		}
	}
}

func (c *comparison) compareLists(now, was []rule) {
	if len(now) == len(was) {
		same := true
		for i := range now {
			same = same && c.same(&now[i], &was[i])
		}
		if same {
			return
		}
	}
	left := make(map[rule]int, len(was)) // an order can have equal rules at one name
	for _, o := range was {
		o.last, o.long = false, false
		left[o]++
	}
	for _, r := range now {
		at := r.entry
		if c.was[at] == none {
			continue
		}
		r.entry, r.sched, r.last, r.long = c.was[at], c.schedules[r.sched], false, false
		if left[r] == 0 {
			c.differs[at] = true
			continue
		}
		left[r]--
	}
	for o, n := range left {
		if at := c.now[o.entry]; n > 0 && at != none {
			c.differs[at] = true
		}
	}
}

func (c *comparison) same(r, o *rule) bool {
	return c.was[r.entry] == o.entry && r.kind == o.kind && r.group == o.group && r.shadow == o.shadow && c.schedules[r.sched] == o.sched
}

func (c *comparison) pairSchedules() {
	known := map[string]uint32{}
	key := func(p *Part, n int) string { return fmt.Sprint(p.ivs(uint32(n))) }
	for i := range c.old.schedules {
		known[key(c.old, i)] = uint32(i)
	}
	for i := range c.new.schedules {
		was, ok := known[key(c.new, i)]
		if !ok {
			was = none
		}
		c.schedules = append(c.schedules, was)
	}
}

type sameTerms map[[2]*order.Terms]bool

func (same sameTerms) equal(x, y *order.Terms) bool {
	k := [2]*order.Terms{x, y}
	eq, ok := same[k]
	if !ok {
		eq = reflect.DeepEqual(x, y)
		if len(same) < maxCommon {
			same[k] = eq
		}
	}
	return eq
}

func (same sameTerms) order(p *Part, x *entry, q *Part, y *entry) bool {
	return x.action == y.action && x.status == y.status && x.names == y.names && x.addrs == y.addrs && x.others == y.others &&
		x.issued() == y.issued() && x.rank.decided == y.rank.decided && x.Reference == y.Reference &&
		slices.Equal(x.lifts, y.lifts) && same.equal(x.Terms, y.Terms) && slices.Equal(p.ivs(x.sched), q.ivs(y.sched))
}
