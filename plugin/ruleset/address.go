package ruleset

import (
	"iter"
	"net/netip"
	"slices"

	"github.com/gaissmai/bart"
)

// addressTable holds the rules at networks, those of a network sorted as those at
// a name are.
type addressTable = bart.Table[[]rule]

// address adds a rule at a network.
func (b *Builder) address(x netip.Prefix, r rule) {
	if b.opt.Guard != nil && r.kind >= blockExact {
		b.part.held.checkNet(b.opt.Guard, x)
	}
	if b.addrs == nil {
		b.addrs = map[netip.Prefix][]rule{}
	}
	b.addrs[x] = append(b.addrs[x], r)
}

func (b *Builder) freezeAddresses() {
	if b.addrs == nil {
		return
	}
	b.part.addrs = new(addressTable)
	for x, list := range b.addrs {
		b.part.addrs.Insert(x, slices.Clip(b.tidy(list, func(e *entry) { e.addrs-- })))
	}
}

// networks yields the networks with rules.
func (p *Part) networks() iter.Seq2[netip.Prefix, []rule] {
	if p.addrs == nil {
		return func(func(netip.Prefix, []rule) bool) {}
	}
	return p.addrs.All()
}

// rulesAtNet returns the rules at the network itself.
func (p *Part) rulesAtNet(x netip.Prefix) []rule {
	if p.addrs == nil {
		return nil
	}
	rules, _ := p.addrs.Get(x)
	return rules
}

// redirectTo remembers addresses that answers redirect to: blocking those would
// block the page that explains.
func (b *Builder) redirectTo(addrs []netip.Addr) {
	for _, a := range addrs {
		if !slices.Contains(b.part.redirects, a) {
			b.part.redirects = append(b.part.redirects, a)
		}
	}
}

// addressPath collects the rules at the networks that an address lies in, those of
// the longest first: to the judge a network is what a name above is to a name. Hosts
// connect to the IPv4 address that an IPv6 one maps, so that is what counts.
func (s *Set) addressPath(a netip.Addr, hits []hit) path {
	if !s.opt.Addresses {
		return path{hits: hits}
	}
	a = a.Unmap()
	return s.netPath(netip.PrefixFrom(a, a.BitLen()), hits)
}

// netPath collects the rules at a network and at those that hold it.
func (s *Set) netPath(net netip.Prefix, hits []hit) path {
	p := path{hits: hits}
	for _, part := range s.segments {
		if part.addrs == nil {
			continue
		}
		for x, rules := range part.addrs.Supernets(net) {
			p.cancels = p.cancels || rules[0].kind < blockExact
			p.hits = append(p.hits, hit{part, rules, x.Bits(), s.held.nets[x], nil})
		}
	}
	p.sort()
	return p
}

// CoversAddress is Covers for an address that stands in an answer.
//
//go:noinline
func (s *Set) CoversAddress(a netip.Addr) bool {
	var room [pathRoom]hit
	return len(s.addressPath(a, room[:0]).hits) > 0
}
