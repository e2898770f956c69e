package ruleset

import (
	"cmp"
	"iter"
	"net/netip"
	"slices"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

type partEntry struct {
	part  *Part
	entry *entry
	index uint32
}

// lifts returns the active lifts and, when there are any, the block orders by
// authority name.
func (s *Set) lifts() (lifts []partEntry, blocks map[string][]*entry) {
	for _, p := range s.parts {
		for _, i := range p.lifts {
			if e := p.entries.at(i); e.status == order.Active {
				lifts = append(lifts, partEntry{p, e, i})
			}
		}
	}
	if len(lifts) == 0 {
		return nil, nil
	}
	blocks = map[string][]*entry{}
	s.each(func(_ *Part, e *entry) {
		if e.action == order.Block {
			blocks[e.Terms.Authority.Name] = append(blocks[e.Terms.Authority.Name], e)
		}
	})
	return lifts, blocks
}

// meeting is what a lift has to lift.
type meeting struct {
	reached bool
	// tie is an order of another file that it reaches only because nothing says
	// which of the two came first.
	tie *entry
}

func (m *meeting) with(l, e *entry) {
	if !l.reaches(e) {
		return
	}
	m.reached = true
	if len(l.lifts) == 0 && e.file != l.file && e.place == l.place && e.from == l.from {
		m.tie = e
	}
}

// meetings finds for each lift the reached orders with a target at, above or
// below one of its own; for a lift without targets, the orders it names.
func (s *Set) meetings(lifts []partEntry, blocks map[string][]*entry) map[*entry]*meeting {
	found := map[*entry]*meeting{}
	for _, l := range lifts {
		m := &meeting{}
		found[l.entry] = m
		switch {
		case l.entry.names > 0:
		case l.entry.others > 0:
			m.reached = true // pages are not looked up
		case l.entry.addrs > 0:
		default:
			for _, list := range blocks {
				for _, e := range list {
					m.with(l.entry, e)
				}
			}
		}
	}
	s.meetNetworks(found, blocks)
	targets := map[dname.Name][]*entry{} // of the lifts
	for _, p := range s.parts {
		if len(p.lifts) == 0 {
			continue
		}
		for name, ref := range p.names.All() {
			for _, r := range p.list(ref) {
				if l := p.entries.at(r.entry); r.kind.isLift() && found[l] != nil {
					targets[name] = append(targets[name], l)
					s.above(name, func(e *entry) { found[l].with(l, e) })
				}
			}
		}
	}
	if len(targets) == 0 {
		return found
	}
	// Below: every blocked name looks for such targets above itself.
	for _, p := range s.parts {
		for name, ref := range p.names.All() {
			for up := name.Parent(); up.NumLabels() > 0; up = up.Parent() {
				for _, l := range targets[up] {
					for _, r := range p.list(ref) {
						if r.kind >= blockExact {
							found[l].with(l, p.entries.at(r.entry))
						}
					}
				}
			}
		}
	}
	return found
}

// above calls f for every block order with a target at the name or above it.
func (s *Set) above(name dname.Name, f func(*entry)) {
	var w dname.Wire
	w.SetName(name)
	for _, p := range s.parts {
		hits, _ := p.names.Walk(&w, nil)
		for _, h := range hits {
			for _, r := range p.list(h.Ref) {
				if r.kind >= blockExact {
					f(p.entries.at(r.entry))
				}
			}
		}
	}
}

// meetNetworks is meetings for addresses, which a lift meets in the networks that hold
// its own or lie in it.
func (s *Set) meetNetworks(found map[*entry]*meeting, blocks map[string][]*entry) {
	var rec recorded
	for _, p := range s.parts {
		if len(p.lifts) == 0 {
			continue
		}
		for x, rules := range p.networks() {
			for _, r := range rules {
				l := p.entries.at(r.entry)
				m := found[l]
				if !r.kind.isLift() || m == nil {
					continue
				}
				if rec.ids == nil {
					rec = newRecorded(blocks)
				}
				m.reached = m.reached || rec.reachedBy(l)
				s.overlapping(x, func(e *entry) { m.with(l, e) })
			}
		}
	}
}

// overlapping calls f for every block order with an address target that shares an
// address with the network.
func (s *Set) overlapping(x netip.Prefix, f func(*entry)) {
	for _, p := range s.parts {
		if p.addrs == nil {
			continue
		}
		// Both begin, or end, with the network itself.
		for _, nets := range [...]iter.Seq2[netip.Prefix, netRules]{p.addrs.Supernets(x), p.addrs.Subnets(x)} {
			for _, at := range nets {
				for _, r := range at.rules {
					if r.kind >= blockExact {
						f(p.entries.at(r.entry))
					}
				}
			}
		}
	}
}

// recorded are the block orders with targets that DNS does not enforce. Their
// addresses are not kept, so a lift of addresses that reaches such an order is
// taken to meet it.
type recorded struct {
	ids map[string]bool
	// first has the earliest one of each authority: if a lift without ids does not
	// reach that, it reaches none.
	first map[authority]*entry
}

type authority struct {
	name    string
	country order.Country
}

func (e *entry) authority() authority {
	return authority{e.Terms.Authority.Name, e.Terms.Authority.Country}
}

func newRecorded(blocks map[string][]*entry) recorded {
	rec := recorded{map[string]bool{}, map[authority]*entry{}}
	for _, list := range blocks {
		for _, e := range list {
			if e.others == 0 {
				continue
			}
			rec.ids[e.ID] = true
			first := rec.first[e.authority()]
			if e.place != order.NoTime && (first == nil || cmp.Or(cmp.Compare(e.place, first.place), cmp.Compare(e.from, first.from)) < 0) {
				rec.first[e.authority()] = e
			}
		}
	}
	return rec
}

func (rec *recorded) reachedBy(l *entry) bool {
	if len(l.lifts) > 0 {
		return slices.ContainsFunc(l.lifts, func(id string) bool { return rec.ids[id] })
	}
	e := rec.first[l.authority()]
	return e != nil && l.reaches(e)
}
