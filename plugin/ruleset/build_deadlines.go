package ruleset

import (
	"github.com/dns-orders/blocklist/plugin/order"
)

// A duty is a deadline or a review that an order prescribes to its operator. The type is
// small, because a set can have very many duties.
type duty struct {
	at    order.Time
	entry uint32
	// sched is the number of the schedule of the duty (see owed). The schedule may be empty.
	sched uint32
	// target is 1 plus an index of the part's dutyTargets. The value 0 means that the duty
	// is for the whole order.
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

// owed returns one interval, from the time `from` to the end of ivs. It includes the time before
// the first interval of ivs, and the gaps. For example, the operator must load an order before its
// first window begins.
func owed(from order.Time, ivs []interval) []interval {
	if len(ivs) == 0 {
		return nil
	}
	return []interval{{from, ivs[len(ivs)-1].until}}
}
