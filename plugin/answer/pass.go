package answer

import (
	"slices"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/miekg/dns"
)

// TimeLeft returns the whole seconds from now until a verdict may change: the
// longest TTL that an answer may have. limited is false when nothing known will
// change it.
func TimeLeft(until order.Time, now time.Time) (ttl uint32, limited bool) {
	// FromTime rounds up, and so the difference down: a remainder of 1.9 s is
	// 1 s. Comparing before subtracting cannot overflow.
	switch t := order.FromTime(now); {
	case until == ruleset.Forever:
		return maxTTL, false
	case until <= t:
		return 0, true
	case until >= t+maxTTL:
		return maxTTL, true
	default:
		return uint32(until - t), true
	}
}

// Outlives reports whether a record of m has a larger TTL.
func Outlives(m *dns.Msg, ttl uint32) bool {
	for h := range headers(m) {
		if h.Ttl > ttl {
			return true
		}
	}
	return false
}

// Cut lowers the TTL of every record of m to at most ttl, signatures and the SOA of
// a negative answer included. What is in the records stays as it is, so signatures
// hold (RFC 4034, section 3.1.4: a TTL may be less than the original one), and a
// negative TTL, the lesser of the SOA's TTL and MINIMUM (RFC 2308, section 5), is
// cut with the former. m must not be shared.
func Cut(m *dns.Msg, ttl uint32) {
	for h := range headers(m) {
		h.Ttl = min(h.Ttl, ttl)
	}
}

// Beyond reports whether m has answers for other questions than the one that was asked,
// which caches of records (dnsmasq, systemd-resolved) give to whoever asks those.
func Beyond(m *dns.Msg, asked string) bool {
	return slices.ContainsFunc(m.Answer, func(rr dns.RR) bool { return !strings.EqualFold(rr.Header().Name, asked) }) ||
		mayLead(m.Ns, "", true) ||
		slices.ContainsFunc(m.Extra, func(rr dns.RR) bool { return rr.Header().Rrtype != dns.TypeOPT })
}

// headers yields the headers of all records but the OPT, whose TTL is none (RFC
// 6891, section 6.1.3).
func headers(m *dns.Msg) func(yield func(*dns.RR_Header) bool) {
	return func(yield func(*dns.RR_Header) bool) {
		for _, section := range [...][]dns.RR{m.Answer, m.Ns, m.Extra} {
			for _, rr := range section {
				if h := rr.Header(); h.Rrtype != dns.TypeOPT && !yield(h) {
					return
				}
			}
		}
	}
}

// EchoSubnet gives m the client subnet option that a trusted peer sent, with SCOPE =
// SOURCE: its cache must keep the answer for that network alone (RFC 7871, section
// 7.2.1). It replaces one that came from upstream. o is the query's OPT; m must not
// be shared.
func EchoSubnet(m *dns.Msg, o *dns.OPT, subnet *dns.EDNS0_SUBNET) {
	opt := m.IsEdns0()
	if opt == nil {
		m.SetEdns0(max(o.UDPSize(), dns.MinMsgSize), o.Do())
		opt = m.IsEdns0()
	}
	var options []dns.EDNS0
	for _, x := range opt.Option {
		if x.Option() != dns.EDNS0SUBNET {
			options = append(options, x)
		}
	}
	echo := *subnet
	echo.Address = slices.Clone(subnet.Address)
	echo.SourceScope = echo.SourceNetmask
	opt.Option = append(options, &echo)
}

// SubnetRoom returns the octets that EchoSubnet adds to a reply.
func SubnetRoom(subnet *dns.EDNS0_SUBNET) int {
	return 4 + 4 + (int(subnet.SourceNetmask)+7)/8
}
