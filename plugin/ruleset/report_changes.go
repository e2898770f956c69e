package ruleset

import (
	"slices"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

// A What says how a load changed an order.
type What uint8

const (
	Added What = iota
	Changed
	Removed
	Affected // the order is unchanged, but a lift in the load changed its state
	Moved    // the order was in another file before
	MovedOn  // the order has left this file and is in another file now
)

// An Outcome describes the effect of a load on one order.
type Outcome struct {
	Label        string // safe for all readers
	Lift         bool
	What         What
	File         string
	From         string // the previous file, if What is Moved
	Differs      bool
	State        State      // has no meaning if What is Removed or MovedOn
	Until        order.Time // the next time at which the state may change
	By           string     // the label of the lift that lifted the order, or empty
	Held         int        // the number of targets that the guard refuses to enforce
	Whole        bool       // no target of the order can be enforced
	Targets, All int
	// Tally counts the targets by state. Tally is empty for an order with too many names.
	Tally Tally
	// A deadline that passed before the order came into force. NoTime means none.
	Late    order.Time
	Reaches bool
	// Blocked counts the names that became blocked for at least one client. Freed counts the names
	// that became free for all clients.
	Blocked, Freed int
	// Counted is false if counting is too much work. Blocked and Freed are then 0.
	Counted bool
	Below   bool
}

const (
	maxOutcomeNames = 10_000
	maxOutcomeWork  = 8 * maxOutcomeNames
	maxLoadWork     = 5 * maxOutcomeWork
	maxWalk         = 50_000
)

// An outcome is an incomplete Outcome.
type outcome struct {
	Outcome
	differing
	names map[spot]bool // the names to compare
	full  bool          // there are more than maxOutcomeNames names
}

type spot struct {
	name  dname.Name
	below bool
}

// Outcomes returns the effects of a load on the orders, up to a maximum number of orders. For the
// first load, the old set is nil. Outcomes stops counting names when the given function returns
// true.
func Outcomes(before, after *Set, diffs []*Diff, now order.Time, most int, stop func() bool) []Outcome {
	if before == nil {
		before = &Set{}
	}
	var list []*outcome
	for _, d := range diffs {
		for _, x := range d.orders {
			if len(list) < most {
				list = append(list, &outcome{differing: x, names: map[spot]bool{}})
			}
		}
	}
	list = append(list, affected(before, after, list, now, most-len(list))...)
	moves(before, after, list)
	findDiffering(list)
	collect(before, after, list)
	label(before, after, list)
	out := make([]Outcome, len(list))
	own := map[string]bool{}
	for _, o := range list {
		own[o.entry().ID] = o.what == Added || o.what == Changed
	}
	left := maxLoadWork
	for _, o := range list {
		left -= o.finish(before, after, own, &trial{now: now, left: min(left, maxOutcomeWork), stop: stop})
	}
	tally(after, list, now)
	for i, o := range list {
		out[i] = o.Outcome
	}
	return out
}

func liftedIDs(list []*outcome) map[string][]*outcome {
	ids := map[string][]*outcome{}
	add := func(o *outcome, e *entry) {
		for _, id := range e.lifts {
			if !slices.Contains(ids[id], o) {
				ids[id] = append(ids[id], o)
			}
		}
	}
	for _, o := range list {
		add(o, o.entry())
		if o.old != nil {
			add(o, o.old.entries.at(o.was))
		}
	}
	return ids
}

func affected(before, after *Set, list []*outcome, now order.Time, most int) (out []*outcome) {
	ids := liftedIDs(list)
	if len(ids) == 0 {
		return nil
	}
	own := map[string]bool{}
	for _, o := range list {
		own[o.entry().ID] = true
	}
	was := map[string]State{}
	for p, e := range before.all() {
		if ids[e.ID] != nil {
			was[e.ID], _ = before.state(p, e, now)
		}
	}
	for _, p := range after.parts {
		for i, e := range p.entries.all() {
			if ids[e.ID] == nil || own[e.ID] || len(out) >= most {
				continue
			}
			state, ok := was[e.ID]
			if is, _ := after.state(p, e, now); ok && is != state {
				out = append(out, &outcome{differing: differing{p, i, p, i, Affected}, names: map[spot]bool{}})
			}
		}
	}
	return out
}

func moves(before, after *Set, list []*outcome) {
	added, removed := map[string]*outcome{}, map[string]*outcome{}
	for _, o := range list {
		switch o.what {
		case Added:
			added[o.entry().ID] = o
		case Removed:
			removed[o.entry().ID] = o
		}
	}
	if len(added) > 0 {
		for _, p := range before.parts {
			for i, e := range p.entries.all() {
				if o := added[e.ID]; o != nil {
					o.what, o.From, o.old, o.was = Moved, *p.path, p, i
				}
			}
		}
	}
	if len(removed) > 0 {
		for _, e := range after.all() {
			if o := removed[e.ID]; o != nil {
				o.what = MovedOn
			}
		}
	}
}

func findDiffering(list []*outcome) {
	compared := map[[2]*Part]*comparison{}
	for _, o := range list {
		if o.what != Moved {
			continue
		}
		files := [2]*Part{o.old, o.part}
		if compared[files] == nil {
			compared[files] = compareParts(o.old, o.part)
		}
		o.Differs = compared[files].differs[o.at]
	}
}

func collect(before, after *Set, list []*outcome) {
	of := map[*Part]map[uint32][]*outcome{}
	add := func(p *Part, i uint32, os ...*outcome) {
		if of[p] == nil {
			of[p] = map[uint32][]*outcome{}
		}
		of[p][i] = append(of[p][i], os...)
	}
	for _, o := range list {
		if o.full = o.entry().names > maxOutcomeNames; o.full {
			continue
		}
		add(o.part, o.at, o)
		if o.what == Changed || o.what == Moved {
			add(o.old, o.was, o)
		}
	}
	parts := slices.Clone(after.parts)
	for _, p := range before.parts {
		if !slices.Contains(parts, p) {
			parts = append(parts, p)
		}
	}
	if ids := liftedIDs(list); len(ids) > 0 {
		for _, p := range parts {
			for i, e := range p.entries.all() {
				if e.action == order.Block && ids[e.ID] != nil {
					add(p, i, ids[e.ID]...)
				}
			}
		}
	}
	lifts := map[dname.Name][]*outcome{}
	for p, entries := range of {
		for w, ref := range p.names.Wires() {
			for _, r := range p.list(ref) {
				for _, o := range entries[r.entry] {
					if r.kind == except {
						continue
					}
					n := w.Name()
					o.add(n, r.kind.match())
					if r.kind.isLift() && o.entry().action == order.Lift {
						lifts[n] = append(lifts[n], o)
					}
				}
			}
		}
	}
	total := 0
	for _, p := range parts {
		total += p.names.Len()
	}
	for _, o := range list {
		o.Below = total <= maxWalk
	}
	if len(lifts) == 0 || total > maxWalk {
		return
	}
	for _, p := range parts {
		for w, ref := range p.names.Wires() {
			rules := p.list(ref)
			if !blocks(rules) {
				continue
			}
			n := w.Name()
			for up := n; !up.IsZero(); up = up.Parent() {
				for _, o := range lifts[up] {
					for _, r := range rules {
						if r.kind >= blockExact {
							o.add(n, r.kind.match())
						}
					}
				}
			}
		}
	}
}

func (o *outcome) add(n dname.Name, m order.Match) {
	if o.full = o.full || len(o.names) >= maxOutcomeNames; o.full {
		o.names = nil
		return
	}
	o.names[spot{n, m == order.BelowOnly}] = true
}

func label(before, after *Set, list []*outcome) {
	var lifts []*entry
	for _, o := range list {
		if e := o.entry(); e.action == order.Lift {
			lifts = append(lifts, e)
		}
	}
	was, is, met := before.secrecies(lifts), after.secrecies(lifts), after.meetings(lifts)
	for _, o := range list {
		e := o.entry()
		o.Label = e.label(was[e], is[e])
		o.Reaches = met[e] != nil && met[e].reached
	}
}

func (o *outcome) finish(before, after *Set, own map[string]bool, t *trial) (work int) {
	e, now, most := o.entry(), t.now, t.left
	o.Lift, o.What, o.File = e.action == order.Lift, o.what, *o.part.path
	if o.what != Removed && o.what != MovedOn {
		o.State, o.Until = after.state(o.part, e, now)
		o.Held, o.Whole = int(after.heldOf[e]), after.undecidable(e)
		if o.State == Lifted {
			o.By = after.lifterOf(e, now)
		}
	}
	o.Late = order.NoTime
	if o.State == InForce && o.what != Removed && o.what != MovedOn {
		o.Late = after.lateFor(o.part, o.at, now)
	}
	o.Targets, o.All = int(after.enforceable(e)), int(e.names+e.addrs+e.others)
	if o.full {
		return 0
	}
	blocks := func(id string) bool { return id == e.ID || o.Lift && !own[id] }
	blocked := func(id string) bool { return id == e.ID || o.Lift }
	for n := range o.names {
		if n.below {
			t.q.SetBelow(n.name)
		} else {
			t.q.SetName(n.name)
		}
		switch found, any := t.find(after, blocks); {
		case found:
			_, was := t.find(before, anyOrder)
			o.Blocked += int(b2u(!was))
		case !any:
			was, _ := t.find(before, blocked)
			o.Freed += int(b2u(was))
		}
		if t.left == 0 {
			o.Blocked, o.Freed = 0, 0
			return most
		}
	}
	o.Counted = true
	return most - t.left
}

func (s *Set) lifterOf(e *entry, now order.Time) string {
	if l := s.wholeLift(e, now); l != nil {
		return s.labels([]*entry{l})[0]
	}
	return ""
}

func (s *Set) wholeLift(e *entry, now order.Time) *entry {
	for _, w := range s.whole[e.ID] {
		if on, _ := w.part.inForceAt(w.entry.sched, now); on && w.forAll() {
			return w.entry
		}
	}
	return nil
}
