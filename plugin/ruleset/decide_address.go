package ruleset

import (
	"iter"
	"net/netip"

	"github.com/gaissmai/bart"
)

type addressTable = bart.Table[netRules]

// netRules contains the rules at one network, sorted like the rules at a name.
type netRules struct {
	rules []rule
	long  *longList // the index of a long list of rules, else nil
}

func (b *Builder) address(x netip.Prefix, r rule) {
	if b.opt.Guard != nil && r.kind >= blockExact {
		b.part.held.checkNet(wary{b.opt.Guard, b.part.embeddings}, x)
	}
	if b.addrs == nil {
		b.addrs = map[netip.Prefix][]rule{}
	}
	b.addrs[x] = append(b.addrs[x], r)
}

func (p *Part) networks() iter.Seq2[netip.Prefix, []rule] {
	if p.addrs == nil {
		return func(func(netip.Prefix, []rule) bool) {}
	}
	return func(yield func(netip.Prefix, []rule) bool) {
		p.addrs.All()(func(x netip.Prefix, at netRules) bool { return yield(x, at.rules) })
	}
}

func (p *Part) rulesAtNet(x netip.Prefix) []rule {
	if p.addrs == nil {
		return nil
	}
	at, _ := p.addrs.Get(x)
	return at.rules
}

// redirectTo records the addresses to which answers redirect. The page that explains the blocking
// is at these addresses, so the guard must protect the addresses.
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

// addressPath collects the rules of all networks that contain the address, longest prefix
// first. An IPv4-mapped IPv6 address counts as IPv4, because hosts connect to the IPv4
// address.
func (s *Set) addressPath(a netip.Addr, hits []hit) path {
	if !s.opt.Addresses {
		return path{hits: hits}
	}
	a = a.Unmap()
	return s.netPath(netip.PrefixFrom(a, a.BitLen()), hits)
}

func (s *Set) netPath(net netip.Prefix, hits []hit) path {
	p := path{hits: hits}
	for _, part := range s.segments {
		if part.addrs == nil {
			continue
		}
		for x, at := range part.addrs.Supernets(net) {
			h := hit{part, at.rules, x.Bits(), s.held.nets[x], s.longList(at.long)}
			if h.rules[0].kind < blockExact {
				p.addKinds(&h)
			}
			p.hits = append(p.hits, h)
		}
	}
	p.sort()
	return p
}

// CoversAddress reports whether a network with rules contains the address. IPv4 addresses
// embedded in the address count too. If the result is false, the address always passes.
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
