package ruleset

import (
	"iter"
	"net/netip"
	"slices"

	"github.com/gaissmai/bart"
)

// addressTable holds what stands at networks.
type addressTable = bart.Table[netRules]

// netRules are the rules at a network, sorted as those at a name are.
type netRules struct {
	rules []rule
	crowd *crowd // when they are very many
}

// address adds a rule at a network.
func (b *Builder) address(x netip.Prefix, r rule) {
	if b.opt.Guard != nil && r.kind >= blockExact {
		b.part.held.checkNet(wary{b.opt.Guard, b.part.embeddings}, x)
	}
	if b.addrs == nil {
		b.addrs = map[netip.Prefix][]rule{}
	}
	b.addrs[x] = append(b.addrs[x], r)
}

func (b *Builder) freezeAddresses(s *Set) {
	if b.addrs == nil {
		return
	}
	b.part.addrs = new(addressTable)
	for x, list := range b.addrs {
		list = slices.Clip(b.tidy(list, func(e *entry) { e.addrs-- }))
		b.part.addrs.Insert(x, netRules{list, b.part.newCrowd(list, s)})
	}
}

// networks yields the networks with rules.
func (p *Part) networks() iter.Seq2[netip.Prefix, []rule] {
	if p.addrs == nil {
		return func(func(netip.Prefix, []rule) bool) {}
	}
	return func(yield func(netip.Prefix, []rule) bool) {
		p.addrs.All()(func(x netip.Prefix, at netRules) bool { return yield(x, at.rules) })
	}
}

// rulesAtNet returns the rules at the network itself.
func (p *Part) rulesAtNet(x netip.Prefix) []rule {
	if p.addrs == nil {
		return nil
	}
	at, _ := p.addrs.Get(x)
	return at.rules
}

// redirectTo remembers addresses that answers redirect to: blocking those would
// block the page that explains.
func (b *Builder) redirectTo(addrs []netip.Addr) {
	for _, a := range addrs {
		if _, ok := b.redirects[a]; !ok {
			if b.redirects == nil {
				b.redirects = map[netip.Addr]struct{}{}
			}
			b.redirects[a] = struct{}{}
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
		for x, at := range part.addrs.Supernets(net) {
			p.cancels = p.cancels || at.rules[0].kind < blockExact
			p.hits = append(p.hits, hit{part, at.rules, x.Bits(), s.held.nets[x], at.crowd})
		}
	}
	p.sort()
	return p
}

// CoversAddress is Covers for an address in an answer, and the IPv4 address inside.
func (s *Set) CoversAddress(a netip.Addr) bool {
	if !s.networks {
		return false
	}
	if s.coversAddress(a) {
		return true
	}
	for i := range s.embeddings {
		if v4, ok := s.embeddings[i].inside(a); ok && s.coversAddress(v4) {
			return true
		}
	}
	return false
}

//go:noinline
func (s *Set) coversAddress(a netip.Addr) bool {
	var room [pathRoom]hit
	return len(s.addressPath(a, room[:0]).hits) > 0
}
