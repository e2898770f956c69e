package ruleset

import (
	"net/netip"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

// A Tally counts the targets of one order by state. It counts only targets that DNS can enforce.
type Tally struct {
	InForce, Lifted, Held, Pending, Ended int
	// The label of the lift that ended the lifted targets. Empty for several lifts.
	By string
}

func tally(after *Set, list []*outcome, now order.Time) {
	of := map[*Part]map[uint32]*tallier{}
	for _, o := range list {
		if e := o.entry(); e.action == order.Block && o.What != Removed && o.What != MovedOn && !o.full && (o.State == InForce || o.State == Lifted && o.By == "") {
			if of[o.part] == nil {
				of[o.part] = map[uint32]*tallier{}
			}
			of[o.part][o.at] = &tallier{set: after, part: o.part, o: o, e: e, now: now, best: map[target]targetState{}, by: map[*entry]bool{}}
		}
	}
	var lifts []*entry
	for p, talliers := range of {
		count := func(rules []rule, name dname.Name, net netip.Prefix) {
			for i := range rules {
				r := &rules[i]
				if t := talliers[r.entry]; t != nil && r.kind >= blockExact {
					t.add(r, target{name, r.kind.match(), net})
				}
			}
		}
		for w, ref := range p.names.Wires() {
			if rules := p.list(ref); blocks(rules) {
				count(rules, w.Name(), netip.Prefix{})
			}
		}
		if after.opt.Addresses {
			for x, rules := range p.networks() {
				count(rules, dname.Name{}, x)
			}
		}
		for _, t := range talliers {
			for l := range t.by {
				lifts = append(lifts, l)
			}
		}
	}
	found := after.secrecies(lifts)
	for _, talliers := range of {
		for _, t := range talliers {
			t.finish(found)
		}
	}
}

type targetState uint8

const (
	targetInForce targetState = iota
	targetLifted
	targetHeld
	targetPending
	targetEnded
)

type tallier struct {
	set  *Set
	part *Part
	o    *outcome
	e    *entry
	now  order.Time
	best map[target]targetState
	by   map[*entry]bool // the lifts that ended targets
}

func (t *tallier) add(r *rule, x target) {
	is := targetInForce
	on, next := t.part.inForceAt(r.sched, t.now)
	switch h := t.set.held.of(&x); {
	case !on && next == Forever:
		is = targetEnded
	case !on:
		is = targetPending
	case h != nil && !t.e.force.covers(h, x.match):
		is = targetHeld
	default:
		if l := t.set.lifterOfTarget(t.e, &x, t.now); l != nil {
			is = targetLifted
			t.by[l] = true
		}
	}
	if was, ok := t.best[x]; !ok || is < was {
		t.best[x] = is
	}
}

func (t *tallier) finish(found map[*entry]secrecy) {
	for _, is := range t.best {
		*[...]*int{&t.o.Tally.InForce, &t.o.Tally.Lifted, &t.o.Tally.Held, &t.o.Tally.Pending, &t.o.Tally.Ended}[is]++
	}
	for l := range t.by {
		if len(t.by) == 1 {
			t.o.Tally.By = l.label(found[l])
			if t.o.State == Lifted {
				t.o.By = t.o.Tally.By
			}
		}
	}
}
