package ruleset

import (
	"net/netip"
	"slices"
)

// embedding is a network of IPv6 addresses each of which has an IPv4 address inside. A
// host that connects to such an address reaches the IPv4 one through a translator, so an
// order for the IPv4 address is about the IPv6 one too.
type embedding struct {
	net netip.Prefix
	// at is the number of bits in front of the IPv4 address. The octet of the bits 64 to
	// 71 is left out of the IPv4 address (RFC 6052, section 2.2).
	at int
}

// embeddings are the networks with IPv4 addresses inside that are the same everywhere.
// IPv4-mapped addresses are not among them, because they are the IPv4 address itself.
var embeddings = []embedding{
	{netip.MustParsePrefix("64:ff9b::/96"), 96}, // RFC 6052, section 2.1: NAT64
	// RFC 8215: NAT64 of a local network. Operators choose the length of the prefix
	// within the network. It is mostly 96. Other lengths need the property nat64.
	{netip.MustParsePrefix("64:ff9b:1::/48"), 96},
	{netip.MustParsePrefix("2002::/16"), 16}, // RFC 3056, section 2: 6to4
	{netip.MustParsePrefix("::/96"), 96},     // RFC 4291, section 2.5.5.1: IPv4-compatible
}

// embeddingsWith returns the embeddings of a configuration with these NAT64 prefixes.
func embeddingsWith(nat64 []netip.Prefix) []embedding {
	out := embeddings
	for _, p := range nat64 {
		out = append(slices.Clip(out), embedding{p, p.Bits()})
	}
	return out
}

// inside returns the IPv4 address inside a, and reports whether there is one.
func (e *embedding) inside(a netip.Addr) (netip.Addr, bool) {
	if !a.Is6() || !e.net.Contains(a) || a.IsUnspecified() || a.IsLoopback() {
		return netip.Addr{}, false
	}
	return e.extract(a.As16()), true
}

func (e *embedding) extract(b [16]byte) netip.Addr {
	var v4 [4]byte
	i := 0
	for at := range e.octets {
		v4[i] = b[at]
		i++
	}
	return netip.AddrFrom4(v4)
}

// octets yields the numbers of the octets that the IPv4 address has in the IPv6 one.
func (e *embedding) octets(yield func(int) bool) {
	for n, at := 0, e.at/8; n < 4; at++ {
		if at == 8 {
			continue
		}
		if n++; !yield(at) {
			return
		}
	}
}

// network returns the IPv4 network inside an IPv6 one: all of IPv4 when the network is
// wider than e. It reports whether there is one.
func (e *embedding) network(x netip.Prefix) (netip.Prefix, bool) {
	if !x.Addr().Is6() || !e.net.Overlaps(x) || x.IsSingleIP() && (x.Addr().IsUnspecified() || x.Addr().IsLoopback()) {
		return netip.Prefix{}, false
	}
	bits := 0
	for at := range e.octets {
		bits += min(max(x.Bits()-8*at, 0), 8)
	}
	return netip.PrefixFrom(e.extract(x.Addr().As16()), bits).Masked(), true
}

// wary is a guard that judges a network by the IPv4 networks inside as well.
type wary struct {
	Guard
	embeddings []embedding
}

// Address returns why an address target must be held, "" when it need not be.
func (g wary) Address(x netip.Prefix) string {
	if why := g.Guard.Address(x); why != "" {
		return why
	}
	for i := range g.embeddings {
		if v4, ok := g.embeddings[i].network(x); ok {
			if why := g.Guard.Address(v4); why != "" {
				return "is the IPv6 form of " + v4.String() + ", which " + why
			}
		}
	}
	return ""
}
