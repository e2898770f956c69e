package ruleset

import (
	"net/netip"
	"slices"
)

// An embedding is a network of IPv6 addresses that contain IPv4 addresses, for example a NAT64
// prefix.
type embedding struct {
	net netip.Prefix
	// The number of bits before the IPv4 address. The IPv4 address skips bits 64 to 71 (RFC 6052,
	// section 2.2).
	at int
}

var embeddings = []embedding{
	{netip.MustParsePrefix("64:ff9b::/96"), 96}, // NAT64 (RFC 6052, section 2.1)
	// Operators choose a prefix length within this NAT64 network (RFC 8215). Lengths other
	// than 96 need the property nat64.
	{netip.MustParsePrefix("64:ff9b:1::/48"), 96},
	{netip.MustParsePrefix("2002::/16"), 16}, // 6to4 (RFC 3056, section 2)
	{netip.MustParsePrefix("::/96"), 96},     // IPv4-compatible (RFC 4291, section 2.5.5.1)
}

func embeddingsWith(nat64 []netip.Prefix) []embedding {
	out := embeddings
	for _, p := range nat64 {
		out = append(slices.Clip(out), embedding{p, p.Bits()})
	}
	return out
}

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
