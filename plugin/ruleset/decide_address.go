package ruleset

import (
	"net/netip"

	"github.com/dns-orders/blocklist/plugin/dname"
)

// DecideAddress decides about an address in an answer. Embedded IPv4 addresses count too. The
// verdict has no target name.
func (s *Set) DecideAddress(a netip.Addr, q Query) Verdict {
	if !s.networks {
		return Verdict{Until: Forever}
	}
	v := s.judgeAddress(a, &q)
	for i := range s.embeddings {
		if v.Blocked() {
			break
		}
		if v4, ok := s.embeddings[i].inside(a); ok {
			x := s.judgeAddress(v4, &q)
			x.Until, x.CountryDependent = min(x.Until, v.Until), x.CountryDependent || v.CountryDependent
			x.PassedForQName = x.PassedForQName || v.PassedForQName && !x.Blocked()
			v = x
		}
	}
	return v
}

func (s *Set) judgeAddress(a netip.Addr, q *Query) Verdict {
	var room [pathRoom]hit
	p := s.addressPath(a, room[:0])
	if len(p.hits) == 0 {
		return Verdict{Until: Forever}
	}
	j := judgement{Set: s, c: q.Client, now: q.Now, shadow: q.Shadow}
	if q.QName != nil {
		var room [pathRoom]hit
		j.asked, j.askedAt = s.walk(&q.QName.Wire, room[:0]), q.QName.position()
	}
	d := j.judge(&p, position{}) // a network covers all addresses in it
	if d.entry == nil {
		return Verdict{Until: d.until, CountryDependent: j.scoped, PassedForQName: j.spared}
	}
	if q.QName != nil && s.protected(q.QName) {
		return Verdict{Until: Forever, CountryDependent: j.scoped, PassedForQName: true}
	}
	return Verdict{Order: &d.entry.Order, Response: d.entry.response, TargetLabels: dname.MaxLabels, Match: d.match,
		Subtree: SubtreeBlocked, Until: d.until, CountryDependent: j.scoped}
}

// addressPath treats an IPv4-mapped IPv6 address as IPv4, because hosts connect to the IPv4
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

// CoversAddress reports whether the set has rules for the address. Embedded IPv4 addresses count
// too. An address without rules always passes.
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
