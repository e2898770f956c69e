package ruleset

import (
	"cmp"
	"iter"
	"maps"
	"net/netip"
	"slices"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
)

func (s *Set) meetAll(x *lifters, is func(*entry) bool) {
	if len(x.all) == 0 {
		return
	}
	for _, e := range s.all() {
		if e.action == order.Block && is(e) {
			x.meet(e)
		}
	}
	x.finish()
}

func (s *Set) meetings(lifts []*entry) map[*entry]*meeting {
	if len(lifts) == 0 {
		return nil
	}
	found, whole := map[*entry]*meeting{}, &lifters{}
	for _, l := range lifts {
		m := &meeting{lift: l}
		found[l] = m
		switch {
		case l.names > 0:
		case l.others > 0:
			m.reached = true // a part does not store URLs, so the lift is assumed to end an order
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

func (s *Set) meetNames(found map[*entry]*meeting) {
	targets := map[dname.Name]*lifters{} // for each name, the lifts that have it as a target
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
	for _, p := range s.parts {
		if !p.hasBelow(maps.Keys(targets)) {
			continue
		}
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

func (p *Part) blocksOf(rules []rule, f func(*entry)) {
	for i := range rules {
		if rules[i].kind >= blockExact {
			f(p.entries.at(rules[i].entry))
		}
	}
}

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

// Shared reports whether several block orders have a target at or above the name.
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

func (s *Set) overlapping(x netip.Prefix, f func(*entry)) {
	for _, p := range s.parts {
		if p.addrs == nil {
			continue
		}
		// Both sequences contain x itself.
		for _, nets := range [...]iter.Seq2[netip.Prefix, netRules]{p.addrs.Supernets(x), p.addrs.Subnets(x)} {
			for _, at := range nets {
				p.blocksOf(at.rules, f)
			}
		}
	}
}
