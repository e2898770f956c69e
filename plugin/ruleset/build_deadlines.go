package ruleset

import (
	"github.com/dns-orders/blocklist/plugin/order"
)

type duty struct {
	at    order.Time
	entry uint32
	sched uint32
	// 1 plus an index in Part.dutyTargets. 0 means the whole order.
	target uint32
}

type dutyTarget struct {
	target
	idle bool // the target's status is not active
}

func (x *duty) of(p *Part) *dutyTarget {
	if x.target == 0 {
		return nil
	}
	return &p.dutyTargets[x.target-1]
}

func (b *Builder) duties(o *order.Order, n uint32, own []interval) {
	add := func(to *[]duty, x duty, ivs []interval) {
		if x.at != order.NoTime {
			x.entry, x.sched = n, b.schedule(ivs)
			*to = append(*to, x)
		}
	}
	whole := owed(o.Begin(), own)
	add(&b.part.deadlines, duty{at: o.Deadline}, whole)
	add(&b.part.reviews, duty{at: o.Review}, whole)
	for i := range o.Targets {
		t := &o.Targets[i]
		a := t.Attr
		if a == nil || !enforceable(o.Action, t) {
			continue
		}
		at, idle := a.Deadline, a.Status != order.Active
		if at == order.NoTime && idle {
			at = o.Deadline // an inactive target misses the deadline of its order
		}
		if at == order.NoTime {
			continue
		}
		b.part.dutyTargets = append(b.part.dutyTargets, dutyTarget{targetOf(t), idle})
		ivs := intersect(own, intersect(single(a.From, a.Until), windows(a.Windows)))
		add(&b.part.deadlines, duty{at: at, target: uint32(len(b.part.dutyTargets))}, owed(max(o.Begin(), a.From), ivs))
	}
}

func owed(from order.Time, ivs []interval) []interval {
	if len(ivs) == 0 {
		return nil
	}
	return []interval{{from, ivs[len(ivs)-1].until}}
}
