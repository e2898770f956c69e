package ruleset

import (
	"net/netip"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

// A duty is a time that an order sets for its operator: the deadline of the order, the
// deadline of one target, or the time of a review. A register may have one duty for each of
// very many orders, so a duty is small.
type duty struct {
	at    order.Time
	entry uint32
	// sched is the schedule in which the duty is owed (see owed), whatever the status is. It
	// is empty if the order or target is never in force by its dates.
	sched uint32
	// target is the index plus 1 of the duty's target in the part's dutyTargets, or 0 if the
	// duty is about the whole order.
	target uint32
}

// A dutyTarget is a target that has a duty of its own.
type dutyTarget struct {
	target
	idle bool // not active
}

// A target is a name or, if net is valid, a network.
type target struct {
	name  dname.Name
	match order.Match
	net   netip.Prefix
}

// of returns the target of the duty, nil if the duty is about the whole order.
func (x *duty) of(p *Part) *dutyTarget {
	if x.target == 0 {
		return nil
	}
	return &p.dutyTargets[x.target-1]
}

// duties adds the duties of an order. own are the intervals in which the order is in force by
// its dates.
func (b *Builder) duties(o *order.Order, n uint32, own []interval) {
	add := func(to *[]duty, x duty, ivs []interval) {
		if x.at != order.NoTime {
			x.entry, x.sched = n, b.schedule(ivs)
			*to = append(*to, x)
		}
	}
	whole := owed(begin(o), own)
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
			at = o.Deadline // an idle target misses the deadline of its order
		}
		if at == order.NoTime {
			continue
		}
		b.part.dutyTargets = append(b.part.dutyTargets, dutyTarget{target{t.Name, t.Match, a.Address}, idle})
		ivs := intersect(own, intersect(single(a.From, a.Until), windows(a.Windows)))
		add(&b.part.deadlines, duty{at: at, target: uint32(len(b.part.dutyTargets))}, owed(max(begin(o), a.From), ivs))
	}
}

// owed returns the interval in which a duty is owed: from `from` until the end of the last
// interval of ivs. The gaps between windows count as owed, because the order itself asks for
// them. For example, an order for a match is due half an hour after it was served: it must be
// loaded by then, long before the match begins.
func owed(from order.Time, ivs []interval) []interval {
	if len(ivs) == 0 {
		return nil
	}
	return []interval{{from, ivs[len(ivs)-1].until}}
}
