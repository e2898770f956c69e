package ruleset

import (
	"cmp"
	"iter"
	"maps"
	"slices"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset/index"
)

type lifting struct {
	order   []interval
	targets []liftedTargets
	n       int32      // the number of targets that are lifted or have an end of their own
	all     []interval // the times at which all n targets are lifted or have ended
	any     []interval // the times at which one of them is lifted
}

type liftedTargets struct {
	off []interval
	n   int32
}

func (s *Set) findLiftings() {
	names := s.liftNames()
	if names == nil {
		return
	}
	s.liftings = map[*entry]*lifting{}
	var lifts index.Builder
	var w dname.Wire
	for n := range names {
		lifts.Add(n, 0)
	}
	covering := lifts.Freeze(func([]uint32) uint32 { return 0 }, func(uint32) bool { return false })
	for _, p := range s.parts {
		if !p.hasBelow(maps.Keys(names)) {
			for n := range names {
				w.SetName(n)
				s.addLiftingsAt(p, &w, p.rulesAt(&w))
			}
		} else {
			for w, ref := range p.names.Wires() {
				if covering.Covers(w) {
					s.addLiftingsAt(p, w, p.list(ref))
				}
			}
		}
		if s.opt.Addresses {
			for x, rules := range p.networks() {
				path := s.netPath(x, nil)
				s.addLiftings(p, rules, &path, 0, s.held.nets[x])
			}
		}
		if !p.ownDates || !p.hasLiftings(s) {
			continue
		}
		for w, ref := range p.names.Wires() {
			if rules := p.list(ref); blocks(rules) && !covering.Covers(w) {
				s.addLiftings(p, rules, &path{}, w.NumLabels(), nil)
			}
		}
	}
	for e, x := range s.liftings {
		if x.n == s.enforceable(e) && e.others == 0 && x.n == e.names+e.addrs {
			x.order = intersect(x.all, x.any)
		}
		x.all, x.any = nil, nil
	}
}

func (p *Part) hasBelow(names iter.Seq[dname.Name]) bool {
	var w dname.Wire
	for n := range names {
		if w.SetName(n); p.names.HasBelow(&w) {
			return true
		}
	}
	return false
}

func (p *Part) hasLiftings(s *Set) bool {
	for _, e := range p.entries.all() {
		if s.liftings[e] != nil {
			return true
		}
	}
	return false
}

func (s *Set) liftNames() map[dname.Name]bool {
	var names map[dname.Name]bool
	for _, p := range s.parts {
		if len(p.lifts) == len(p.whole) {
			continue
		}
		if names == nil {
			names = map[dname.Name]bool{}
		}
		for w, ref := range p.names.Wires() {
			if slices.ContainsFunc(p.list(ref), func(r rule) bool { return r.kind.isLift() }) {
				names[w.Name()] = true
			}
		}
	}
	return names
}

func (s *Set) addLiftingsAt(p *Part, w *dname.Wire, rules []rule) {
	if blocks(rules) {
		path := s.walk(w, nil)
		s.addLiftings(p, rules, &path, w.NumLabels(), s.held.at(w.Suffix(w.NumLabels())))
	}
}

func (s *Set) addLiftings(p *Part, rules []rule, path *path, labels int, held *heldNode) {
	j := &judgement{Set: s, strict: true}
	self := dater{judgement: j, path: path, at: position{labels, labels, false}, histories: map[historyKey]*history{}}
	below := dater{judgement: j, path: path, at: position{labels, labels, true}, histories: map[historyKey]*history{}}
	for e, target := range p.byRank(rules) {
		match := target[0].kind.match()
		var off []interval // the times at which the target is lifted
		if path.lifts || len(s.whole) > 0 {
			switch {
			case match == order.BelowOnly:
				off = below.off(e)
			case match == order.Exact || !path.uneven:
				off = self.off(e)
			default:
				off = intersect(self.off(e), below.off(e))
			}
		}
		all := off
		if over := p.targetOver(target); over < Forever {
			all = merged(append(slices.Clone(off), interval{over, Forever}))
		}
		if len(all) == 0 {
			continue
		}
		x := s.liftings[e]
		if x == nil {
			x = &lifting{all: all}
			s.liftings[e] = x
		}
		x.n++
		x.all = intersect(x.all, all)
		for _, iv := range off {
			x.any = insert(x.any, iv)
		}
		if len(off) == 0 || held != nil && !e.force.covers(held, match) {
			continue
		}
		if n := len(x.targets); n == 0 || !slices.Equal(x.targets[n-1].off, off) {
			x.targets = append(x.targets, liftedTargets{off: off})
		}
		x.targets[len(x.targets)-1].n++
	}
}

func (p *Part) targetOver(rules []rule) order.Time {
	end := order.NoTime
	for i := range rules {
		over := p.over(rules[i].sched)
		if over == order.NoTime || rules[i].shadow {
			return Forever
		}
		end = max(end, over)
	}
	return end
}

func (p *Part) byRank(rules []rule) iter.Seq2[*entry, []rule] {
	var targets [][]rule
	for i := 0; i < len(rules); {
		n := sameTargets(rules[i:])
		if rules[i].kind >= blockExact {
			targets = append(targets, rules[i:i+n])
		}
		i += n
	}
	slices.SortStableFunc(targets, func(x, y []rule) int {
		a, b := p.entries.at(x[0].entry), p.entries.at(y[0].entry)
		return cmp.Or(b.rank.Compare(a.rank), cmp.Compare(b.index, a.index))
	})
	return func(yield func(*entry, []rule) bool) {
		for _, t := range targets {
			if !yield(p.entries.at(t[0].entry), t) {
				return
			}
		}
	}
}

func sameTargets(rules []rule) int {
	n := 1
	for n < len(rules) && rules[n].entry == rules[0].entry && rules[n].kind == rules[0].kind {
		n++
	}
	return n
}

func (d *dater) off(e *entry) []interval {
	t := dated{entry: e}
	off := d.liftTimes(&t)
	for _, p := range t.histories {
		off = append(off, p.off...)
	}
	return merged(off)
}

func (s *Set) liftedTimes(e *entry) (times []interval) {
	if x := s.liftings[e]; x != nil {
		times = x.order
	}
	for _, w := range s.whole[e.ID] {
		if w.forAll() {
			times = merged(slices.Concat(times, w.part.ivs(w.entry.sched)))
		}
	}
	return times
}

func (s *Set) lifted(e *entry, now order.Time) (bool, order.Time) {
	sp := spellAt(s.liftedTimes(e), now)
	return sp.on, sp.until
}

func (p *Part) withdrawn(e *entry, lifted []interval, now order.Time) bool {
	return len(lifted) > 0 && !slices.ContainsFunc(without(p.ivs(e.sched), lifted), func(iv interval) bool { return iv.until > now })
}

// LiftedAt reports whether a whole block order is lifted at a time. Lifts for only some clients do
// not count.
func (o OrderState) LiftedAt(at order.Time) bool {
	if o.Lift {
		return false
	}
	lifted, _ := o.set.lifted(o.entry, at)
	return lifted
}

// OverSince reports whether an order has been ended or lifted without a break since a given time.
func (o OrderState) OverSince(from order.Time) bool {
	end := o.part.over(o.entry.sched)
	if end <= from {
		return true
	}
	for t := from; t <= o.now && t < end; {
		lifted, next := o.set.lifted(o.entry, t)
		if o.Lift || !lifted {
			return false
		}
		t = next
	}
	return true
}

// LiftedTargets returns how many targets of a block order are lifted for all clients at a time.
// Held targets do not count. If the whole order is lifted, the result is 0.
func (o OrderState) LiftedTargets(at order.Time) int {
	n, _ := o.set.liftedTargets(o.entry, at)
	return int(n)
}

// Stayed returns how many targets are lifted only for a time. It also returns the time at which the
// first of these lifts ends. Lifts for only some clients do not count.
func (o OrderState) Stayed() (n int, until order.Time) {
	end := o.part.over(o.entry.sched)
	until = Forever
	add := func(targets int32, to order.Time) {
		if to < end {
			n, until = n+int(targets), min(until, to)
		}
	}
	if x := o.set.liftings[o.entry]; x != nil && len(x.targets) > 0 {
		for _, t := range x.targets {
			if sp := spellAt(t.off, o.now); sp.on {
				add(t.n, sp.until)
			}
		}
	} else if on, next := o.set.lifted(o.entry, o.now); on && !o.Lift {
		add(o.set.enforceable(o.entry), next)
	}
	return n, until
}

// TargetLifted reports whether one target of the order is lifted for all clients at a given time.
func (o OrderState) TargetLifted(t *order.Target, at order.Time) bool {
	if o.Lift || t.Kind == order.TargetURL {
		return o.LiftedAt(at)
	}
	x := targetOf(t)
	return o.set.liftedAt(o.entry, &x, at)
}

func (s *Set) liftedTargets(e *entry, now order.Time) (n int32, next order.Time) {
	next = Forever
	if x := s.liftings[e]; x != nil {
		for _, t := range x.targets {
			sp := spellAt(t.off, now)
			if next = min(next, sp.until); sp.on {
				n += t.n
			}
		}
	}
	return n, next
}

func (s *Set) lifterOfTarget(e *entry, t *target, now order.Time) *entry {
	j := judgement{Set: s, now: now, strict: true}
	if t.net.IsValid() {
		p := s.netPath(t.net, nil)
		l, _ := j.lifter(&p, e, position{}) // a network covers all addresses in it
		return l
	}
	var w dname.Wire
	w.SetName(t.name)
	p, n := s.walk(&w, nil), t.name.NumLabels()
	l, _ := j.lifter(&p, e, position{n, n, t.match == order.BelowOnly})
	if l != nil && t.match == order.Subtree && p.uneven {
		l, _ = j.lifter(&p, e, position{n, n, true})
	}
	return l
}
