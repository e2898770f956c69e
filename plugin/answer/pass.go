package answer

import (
	"slices"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/miekg/dns"
)

// TimeLeft returns the whole seconds until a verdict may change. The second result is false if no
// change is known.
func TimeLeft(until order.Time, now time.Time) (ttl uint32, limited bool) {
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

// ExceedsTTL reports whether any record of m has a TTL above ttl.
func ExceedsTTL(m *dns.Msg, ttl uint32) bool {
	for h := range headers(m) {
		if h.Ttl > ttl {
			return true
		}
	}
	return false
}

// CapTTL lowers all TTLs of m to at most ttl. It also lowers the negative TTL (RFC 2308, section
// 5). Signatures stay valid (RFC 4034, section 3.1.4). No other goroutine may use m during the
// call.
func CapTTL(m *dns.Msg, ttl uint32) {
	for h := range headers(m) {
		h.Ttl = min(h.Ttl, ttl)
	}
}

// HasOtherOwners reports whether a reply may contain records for names that the client did not ask
// for. The caches of dnsmasq and systemd-resolved use these records in later answers.
func HasOtherOwners(m *dns.Msg, asked string) bool {
	return slices.ContainsFunc(m.Answer, func(rr dns.RR) bool { return !strings.EqualFold(rr.Header().Name, asked) }) ||
		hasDestinations(m.Ns, "", true) ||
		slices.ContainsFunc(m.Extra, func(rr dns.RR) bool { return rr.Header().Rrtype != dns.TypeOPT })
}

// ErrorCodes returns the codes of the extended errors (RFC 8914) in m.
func ErrorCodes(m *dns.Msg) (out []uint16) {
	if opt := m.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if e, ok := o.(*dns.EDNS0_EDE); ok {
				out = append(out, e.InfoCode)
			}
		}
	}
	return out
}

// The TTL field of the OPT is not a TTL (RFC 6891, section 6.1.3).
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

// EchoSubnet adds the EDNS client subnet option of the query to m. The peer then uses the answer
// only for this network (RFC 7871, section 7.2.1). The argument o is the OPT of the query.
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

// SubnetRoom returns the size in octets of the option that EchoSubnet adds.
func SubnetRoom(subnet *dns.EDNS0_SUBNET) int {
	return 4 + 4 + (int(subnet.SourceNetmask)+7)/8
}
