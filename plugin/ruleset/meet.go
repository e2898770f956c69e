package ruleset

import (
	"cmp"
	"iter"
	"net/netip"
	"slices"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

// A meeting records whether a lift reaches any order.
type meeting struct {
	lift    *entry
	reached bool
	// tie is an order of another file with the same decision time. The lift reaches it,
	// because nothing says which of the two came first.
	tie *entry
}

// lifters find out which lifts reach an order. They do not compare each lift with each order,
// because there may be very many of both.
type lifters struct {
	liftIndex[*meeting]
	sorted bool
	// reached is the number of lifts in later, from the first one on, that reach an order with
	// a lower rank.
	reached map[Authority]int
	// ties are the orders that have the same rank as a lift of their authority.
	ties map[moment]ties
}

// A moment is a rank in the history of an authority.
type moment struct {
	authority Authority
	rank      Rank
}

// ties are the orders of one moment, by file. Within a file, the order that
// is listed first came first. Between files, nothing says which order came first.
type ties map[*string]*tied

// A tied describes the orders of one file in ties: the first order that was added, and the
// smallest index of the orders.
type tied struct {
	entry *entry
	index int32
}

func (t ties) add(e *entry) {
	x := t[e.file]
	if x == nil {
		x = &tied{e, e.index}
		t[e.file] = x
	}
	x.index = min(x.index, e.index)
}

// byFile returns one order of each file, sorted by path.
func (t ties) byFile() []*entry {
	out := make([]*entry, 0, len(t))
	for _, x := range t {
		out = append(out, x.entry)
	}
	slices.SortFunc(out, func(x, y *entry) int { return cmp.Compare(*x.file, *y.file) })
	return out
}

// finish records whether the lift m reaches an order of t. All orders of t are at the moment of
// m.
func (t ties) finish(m *meeting, byFile []*entry) {
	l := m.lift
	if x := t[l.file]; x != nil && x.index < l.index {
		m.reached = true
	}
	i := slices.IndexFunc(byFile, func(e *entry) bool { return e.file != l.file }) // index 0 or 1
	if i < 0 {
		return
	}
	m.reached = true
	if e := byFile[i]; m.tie == nil || *e.file < *m.tie.file {
		m.tie = e
	}
}

func (x *lifters) add(m *meeting) { x.liftIndex.add(m.lift, m) }

// meet records which of the lifts reach a block order.
func (x *lifters) meet(e *entry) {
	if !x.sorted {
		x.sort()
		x.sorted = true
	}
	named, later := x.of(e)
	for _, m := range named {
		m.reached = true
	}
	n := higher(later, e.rank)
	if n < len(later) {
		at := moment{e.authority(), e.rank}
		if x.ties == nil {
			x.ties = map[moment]ties{}
		}
		if x.ties[at] == nil {
			x.ties[at] = ties{}
		}
		x.ties[at].add(e)
	}
	if n > 0 {
		if x.reached == nil {
			x.reached = map[Authority]int{}
		}
		x.reached[e.authority()] = max(x.reached[e.authority()], n)
	}
}

// finish completes the meetings. It must be called after the last call of meet.
func (x *lifters) finish() {
	for a, n := range x.reached {
		for _, l := range x.later[a][:n] {
			l.lift.reached = true
		}
	}
	for at, t := range x.ties {
		byFile := t.byFile()
		later := x.later[at.authority]
		for i := higher(later, at.rank); i < len(later) && later[i].rank == at.rank; i++ {
			t.finish(later[i].lift, byFile)
		}
	}
}

// Reached returns the lifts that reach at least one of the orders. The orders may be in any
// files, so a lift also reaches an order of its authority that has the same rank.
func Reached(lifts, orders []*order.Order) map[*order.Order]bool {
	var x lifters
	found := make(map[*order.Order]*meeting, len(lifts))
	compiled := func(o *order.Order, file *string) *entry {
		c := &Common{Terms: o.Terms, action: o.Action, file: file, lifts: o.Lifts}
		return &entry{Order: Order{ID: o.ID, Common: c}, rank: RankOf(o)}
	}
	one, other := "one file", "another file"
	for _, l := range lifts {
		found[l] = &meeting{lift: compiled(l, &one)}
		x.add(found[l])
	}
	for _, o := range orders {
		if !o.Lifting() {
			x.meet(compiled(o, &other))
		}
	}
	x.finish()
	out := map[*order.Order]bool{}
	for l, m := range found {
		if m.reached {
			out[l] = true
		}
	}
	return out
}

// meetAll calls meet for each block order e for which is(e) is true, and then finish.
func (s *Set) meetAll(x *lifters, is func(*entry) bool) {
	if x.empty() {
		return
	}
	s.each(func(_ *Part, e *entry) {
		if e.action == order.Block && is(e) {
			x.meet(e)
		}
	})
	x.finish()
}

// meetings returns for each lift whether it reaches an order. A lift with targets reaches an
// order only if the order has a target at, above or below a target of the lift. A lift without
// targets reaches the orders that it names, if they exist.
func (s *Set) meetings(lifts []*entry) map[*entry]*meeting {
	found, whole := map[*entry]*meeting{}, &lifters{}
	for _, l := range lifts {
		m := &meeting{lift: l}
		found[l] = m
		switch {
		case l.names > 0:
		case l.others > 0:
			m.reached = true // URL targets are not stored, so the lift counts as useful
		case l.addrs > 0:
		default:
			whole.add(m)
		}
	}
	s.meetAll(whole, func(*entry) bool { return true })
	s.meetNames(found)
	s.meetNetworks(found)
	return found
}

// meetNames fills in the meetings of lifts with name targets.
func (s *Set) meetNames(found map[*entry]*meeting) {
	targets := map[dname.Name]*lifters{} // the lifts that have each name as a target
	for _, p := range s.parts {
		if len(p.lifts) == 0 {
			continue
		}
		for name, ref := range p.names.All() {
			for _, r := range p.list(ref) {
				if r.kind >= blockExact {
					break
				}
				if m := found[p.entries.at(r.entry)]; m != nil && r.kind.isLift() {
					if targets[name] == nil {
						targets[name] = &lifters{}
					}
					targets[name].add(m)
				}
			}
		}
	}
	if len(targets) == 0 {
		return
	}
	for name, x := range targets {
		s.above(name, x.meet)
	}
	// For targets below a target of a lift: look up each name's parents among the targets of
	// lifts.
	for _, p := range s.parts {
		for name, ref := range p.names.All() {
			for up := name.Parent(); up.NumLabels() > 0; up = up.Parent() {
				if x := targets[up]; x != nil {
					p.blocksOf(p.list(ref), x.meet)
				}
			}
		}
	}
	for _, x := range targets {
		x.finish()
	}
}

// blocksOf calls f for each block order with a target among the rules.
func (p *Part) blocksOf(rules []rule, f func(*entry)) {
	for i := range rules {
		if rules[i].kind >= blockExact {
			f(p.entries.at(rules[i].entry))
		}
	}
}

// above calls f for each block order with a target at the name or above it.
func (s *Set) above(name dname.Name, f func(*entry)) {
	var w dname.Wire
	w.SetName(name)
	for _, p := range s.parts {
		hits, _ := p.names.Walk(&w, nil)
		for _, h := range hits {
			p.blocksOf(p.list(h.Ref), f)
		}
	}
}

// Shared reports whether several block orders have a target at the name or above it. Shared
// does not look at lifts, so that a name under very many lifts costs no more than another name.
func (s *Set) Shared(name dname.Name) bool {
	var w dname.Wire
	w.SetName(name)
	var first *entry
	for _, p := range s.parts {
		hits, _ := p.names.Walk(&w, nil)
		for _, h := range hits {
			rules := p.list(h.Ref)
			blocks, _ := slices.BinarySearchFunc(rules, blockExact, func(r rule, k kind) int { return cmp.Compare(r.kind, k) })
			for _, r := range rules[blocks:] {
				e := p.entries.at(r.entry)
				if first != nil && e != first {
					return true
				}
				first = e
			}
		}
	}
	return false
}

// meetNetworks fills in the meetings of lifts with address targets. A lift is matched with the
// networks that contain its network or are inside it. Addresses that DNS does not enforce are
// not stored. A lift of addresses that reaches an order with other targets is therefore
// assumed to match one of them.
func (s *Set) meetNetworks(found map[*entry]*meeting) {
	recorded := &lifters{}
	var all []*meeting
	for _, p := range s.parts {
		if len(p.lifts) == 0 {
			continue
		}
		for x, rules := range p.networks() {
			here := &lifters{}
			for _, r := range rules {
				if m := found[p.entries.at(r.entry)]; m != nil && r.kind.isLift() {
					here.add(m)
					all = append(all, &meeting{lift: m.lift})
					recorded.add(all[len(all)-1])
				}
			}
			s.overlapping(x, here.meet)
			here.finish()
		}
	}
	s.meetAll(recorded, func(e *entry) bool { return e.others > 0 })
	for _, m := range all {
		found[m.lift].reached = found[m.lift].reached || m.reached
	}
}

// overlapping calls f for each block order with an address target that overlaps the network.
func (s *Set) overlapping(x netip.Prefix, f func(*entry)) {
	for _, p := range s.parts {
		if p.addrs == nil {
			continue
		}
		// Both sequences include the network itself, so f may be called twice.
		for _, nets := range [...]iter.Seq2[netip.Prefix, netRules]{p.addrs.Supernets(x), p.addrs.Subnets(x)} {
			for _, at := range nets {
				p.blocksOf(at.rules, f)
			}
		}
	}
}
