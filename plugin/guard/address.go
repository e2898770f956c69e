package guard

import (
	"fmt"
	"net/netip"
	"strings"
)

type specialNet struct {
	net netip.Prefix
	rfc string
}

// specialNets contains the special-purpose networks of IANA (RFC 6890, RFC 8190), and other
// networks without public hosts.
var specialNets = []specialNet{
	{netip.MustParsePrefix("0.0.0.0/8"), "RFC 791: this network"},
	{netip.MustParsePrefix("10.0.0.0/8"), "RFC 1918: private use"},
	{netip.MustParsePrefix("100.64.0.0/10"), "RFC 6598: shared address space"},
	{netip.MustParsePrefix("127.0.0.0/8"), "RFC 1122: loopback"},
	{netip.MustParsePrefix("169.254.0.0/16"), "RFC 3927: link local"},
	{netip.MustParsePrefix("172.16.0.0/12"), "RFC 1918: private use"},
	{netip.MustParsePrefix("192.0.0.0/24"), "RFC 6890: protocol assignments"},
	{netip.MustParsePrefix("192.0.2.0/24"), "RFC 5737: documentation"},
	{netip.MustParsePrefix("192.31.196.0/24"), "RFC 7535: AS112"},
	{netip.MustParsePrefix("192.52.193.0/24"), "RFC 7450: AMT"},
	{netip.MustParsePrefix("192.88.99.0/24"), "RFC 7526: 6to4 relay anycast"},
	{netip.MustParsePrefix("192.168.0.0/16"), "RFC 1918: private use"},
	{netip.MustParsePrefix("192.175.48.0/24"), "RFC 7534: AS112"},
	{netip.MustParsePrefix("198.18.0.0/15"), "RFC 2544: benchmarking"},
	{netip.MustParsePrefix("198.51.100.0/24"), "RFC 5737: documentation"},
	{netip.MustParsePrefix("203.0.113.0/24"), "RFC 5737: documentation"},
	{netip.MustParsePrefix("224.0.0.0/4"), "RFC 5771: multicast"},
	{netip.MustParsePrefix("240.0.0.0/4"), "RFC 1112: reserved"}, // includes 255.255.255.255 (RFC 8190)

	{netip.MustParsePrefix("::/96"), "RFC 4291: unspecified, loopback, IPv4-compatible"},
	{netip.MustParsePrefix("::ffff:0:0/96"), "RFC 4291: IPv4-mapped"},
	{netip.MustParsePrefix("64:ff9b::/96"), "RFC 6052: IPv4/IPv6 translation"},
	{netip.MustParsePrefix("64:ff9b:1::/48"), "RFC 8215: IPv4/IPv6 translation"},
	{netip.MustParsePrefix("100::/64"), "RFC 6666: discard only"},
	{netip.MustParsePrefix("100:0:0:1::/64"), "RFC 9780: dummy prefix"},
	{netip.MustParsePrefix("2001::/23"), "RFC 2928: protocol assignments"}, // includes the networks of Teredo, ORCHID and AS112
	{netip.MustParsePrefix("2001:db8::/32"), "RFC 3849: documentation"},
	{netip.MustParsePrefix("2002::/16"), "RFC 3056: 6to4"},
	{netip.MustParsePrefix("2620:4f:8000::/48"), "RFC 7534: AS112"},
	{netip.MustParsePrefix("3fff::/20"), "RFC 9637: documentation"},
	{netip.MustParsePrefix("5f00::/16"), "RFC 9602: segment routing"},
	{netip.MustParsePrefix("fc00::/7"), "RFC 4193: unique local"},
	{netip.MustParsePrefix("fe80::/10"), "RFC 4291: link local"},
	{netip.MustParsePrefix("fec0::/10"), "RFC 3879: site local"},
	{netip.MustParsePrefix("ff00::/8"), "RFC 4291: multicast"},
}

// The Internet does not route networks smaller than /24 (IPv4) or /48 (IPv6).
const widest4, widest6 = 24, 48

// Address returns the reason why p must not be blocked. The result is empty if p may be blocked.
// These networks must not be blocked:
//
//	networks wider than /24 (IPv4) or /48 (IPv6)
//	networks that overlap a special-purpose network
//	networks that overlap a network in a protect list
func (g *Guard) Address(p netip.Prefix) string {
	if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	if !p.IsValid() {
		return "is not a network" // a target that cannot be checked must not be blocked
	}
	var why []string
	if widest := widestOf(p); p.Bits() < widest {
		why = append(why, fmt.Sprintf("is wider than /%d", widest))
	}
	for _, s := range specialNets {
		if s.net.Overlaps(p) {
			why = append(why, fmt.Sprintf("is special-use (%s, %s)", s.net, s.rfc))
			break
		}
	}
	if _, i, ok := g.nets.LookupPrefixLPM(p); ok {
		why = append(why, "is protected "+g.entries[i].String())
	} else {
		for _, i := range g.nets.Subnets(p) {
			why = append(why, "contains a protected address "+g.entries[i].String())
			break
		}
	}
	return strings.Join(why, ", ")
}

func widestOf(p netip.Prefix) int {
	if p.Addr().Is4() {
		return widest4
	}
	return widest6
}
