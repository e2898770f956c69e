// Package answer builds the DNS answers for blocked names, and cleans the answers for other names.
// A verdict of package ruleset says whether a name is blocked. The package does not change queries.
//
// Functions for a blocked name:
//
//	Build         the message
//	Label         the form of the message for the counters, for example "nodata"
//	Passes        whether a type of query goes to the next plugin
//	ForAlias      the verdict for an alias of a blocked name
//
// Functions for an answer that is not blocked:
//
//	Destinations  the names and addresses to which the answer leads the client
//	Clean         removes other records of blocked names
//	CapTTL        lowers the TTLs
//	EchoSubnet    adds the client network
package answer

import (
	"net"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// A Config contains the operator's settings. The terms of an order take precedence.
type Config struct {
	TTL          time.Duration // TTL of the records in a denial or redirect, without fractions of a second
	Organization string        // name of the operator of this resolver
	Contact      []string      // mailto: and tel: URIs; other URIs are not sent
	Language     string        // BCP 47 tag of the justifications; empty means "en"
	// A client asks for structured errors with this EDNS option
	// (draft-ietf-dnsop-structured-dns-error-27, section 5.4). IANA has not assigned a code yet. 0
	// disables the option.
	SDEOption uint16
}

// These SOA timers have no effect. Clients use only MINIMUM and the TTL (RFC 2308, section 5).
const (
	soaSerial  = 1
	soaRefresh = 3600
	soaRetry   = 600
	soaExpire  = 86400
)

const maxTTL = 1<<31 - 1

// Build returns the answer to the first question of req. The verdict v must be Blocked. The answer
// shares no memory with req.
//
// The argument size is the client's buffer in octets, from CoreDNS's request.Size. If the caller
// adds an option later, the size must be smaller.
func Build(req *dns.Msg, size int, v ruleset.Verdict, now time.Time, cfg *Config) *dns.Msg {
	q, d := req.Question[0], new(denial)
	m := &d.msg
	m.MsgHdr = dns.MsgHdr{Id: req.Id, Response: true, Opcode: req.Opcode, RecursionDesired: req.RecursionDesired,
		CheckingDisabled: req.CheckingDisabled, RecursionAvailable: true}
	d.question[0] = q
	m.Question = d.question[:]

	ttl := timeToLive(v, now, cfg)
	kind := form(v, q.Qtype)
	switch kind {
	case order.Redirect:
		m.Answer = addresses(q, v.Response.Addresses, ttl)
	case order.Refused:
		m.Rcode = dns.RcodeRefused
	default:
		if kind == order.NXDOMAIN {
			m.Rcode = dns.RcodeNameError
		}
		d.soa = soa(q.Name, v, ttl)
		d.ns[0] = &d.soa
		m.Ns = d.ns[:]
	}

	size = min(size, dns.MaxMsgSize)
	o := req.IsEdns0()
	var e *explained
	if o != nil {
		// An answer must not copy the EDNS options of the query, except the DO bit (RFC 3225,
		// section 3).
		e = new(explained)
		e.opt.Hdr = dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT}
		e.opt.SetUDPSize(max(o.UDPSize(), dns.MinMsgSize))
		e.opt.SetDo(o.Do())
		e.extra[0] = &e.opt
		m.Extra = e.extra[:]
	}
	room := size - m.Len()
	if room < 0 {
		m.Compress = true
		room = size - m.Len()
	}
	switch {
	case room < 0:
		// A denial has at most 316 octets. Only a redirect with many addresses is larger than 512.
		m.Truncate(size)
	case e != nil:
		e.explain(m, size, room, notice{v.Order, kind, signals(o, cfg.SDEOption)}, cfg)
	}
	m.Compress = true
	return m
}

type denial struct {
	msg      dns.Msg
	question [1]dns.Question
	ns       [1]dns.RR
	soa      dns.SOA
}

type explained struct {
	opt    dns.OPT
	extra  [1]dns.RR
	ede    dns.EDNS0_EDE
	option [1]dns.EDNS0
}

// Passes reports whether a query of type qtype for a blocked name goes to the next plugin. A forged
// denial of DS or DNSKEY would break the chain of trust to other names.
func Passes(qtype uint16, below ruleset.SubtreeOutcome) bool {
	return qtype == dns.TypeDS || qtype == dns.TypeDNSKEY && below == ruleset.SubtreePasses
}

// Label returns the form of Build's answer: nxdomain, nodata, refused or redirect. The form may
// differ from the order's response. For example, an MX query gets no redirect.
func Label(v ruleset.Verdict, qtype uint16) string {
	return form(v, qtype).String()
}

// ForAlias converts the verdict for a blocked name to the verdict for an alias of this name.
func ForAlias(v ruleset.Verdict) ruleset.Verdict {
	v.TargetLabels = dname.MaxLabels
	// NXDOMAIN would also deny the names below the queried name.
	v.Subtree = max(v.Subtree, ruleset.SubtreeBlocked)
	return v
}

// If the order's response does not fit the query, the answer is NODATA, which denies the least.
func form(v ruleset.Verdict, qtype uint16) order.ResponseKind {
	switch v.Response.Kind {
	case order.NXDOMAIN:
		// NXDOMAIN also denies all names below (RFC 8020).
		if v.Subtree == ruleset.SubtreeNXDOMAIN {
			return order.NXDOMAIN
		}
	case order.Refused:
		return order.Refused
	case order.Redirect:
		// Types other than A and AAAA must not get the real answer. An HTTPS record could lead the
		// client to the blocked site.
		for _, a := range v.Response.Addresses {
			if addressType(a) == qtype {
				return order.Redirect
			}
		}
	}
	return order.NODATA
}

func addressType(a netip.Addr) uint16 {
	if a.Unmap().Is4() {
		return dns.TypeA
	}
	return dns.TypeAAAA
}

// The TTL must end before the verdict may change.
func timeToLive(v ruleset.Verdict, now time.Time, cfg *Config) uint32 {
	d := v.Order.Terms.TTL
	if d < 0 {
		d = cfg.TTL
	}
	left, _ := TimeLeft(v.Until, now)
	return min(uint32(min(max(int64(d/time.Second), 0), maxTTL)), left)
}

// The class is always IN, because ANY is only a class of questions (RFC 1035, section 3.2.5).
func header(owner string, typ uint16, ttl uint32) dns.RR_Header {
	return dns.RR_Header{Name: owner, Rrtype: typ, Class: dns.ClassINET, Ttl: ttl}
}

// The owner must be q.Name, because some clients check its letter case (0x20).
func addresses(q dns.Question, addrs []netip.Addr, ttl uint32) []dns.RR {
	rrs := make([]dns.RR, 0, len(addrs))
	for _, a := range addrs {
		if addressType(a) != q.Qtype {
			continue
		}
		h, ip := header(q.Name, q.Qtype, ttl), net.IP(a.Unmap().AsSlice())
		if q.Qtype == dns.TypeA {
			rrs = append(rrs, &dns.A{Hdr: h, A: ip})
		} else {
			rrs = append(rrs, &dns.AAAA{Hdr: h, AAAA: ip})
		}
	}
	return rrs
}

// soa returns the SOA record that makes a denial cacheable (RFC 2308, section 3).
func soa(qname string, v ruleset.Verdict, ttl uint32) dns.SOA {
	return dns.SOA{
		Hdr:     header(owner(qname, v), dns.TypeSOA, ttl),
		Ns:      ".",
		Mbox:    ".",
		Serial:  soaSerial,
		Refresh: soaRefresh,
		Retry:   soaRetry,
		Expire:  soaExpire,
		Minttl:  ttl,
	}
}

func owner(qname string, v ruleset.Verdict) string {
	if v.Order.Terms.Disclosure.Sealed() {
		return qname
	}
	if v.TargetLabels <= 0 {
		return "."
	}
	// miekg/dns compresses only names of equal letter case, so take the owner from the query name.
	i, _ := dns.PrevLabel(qname, v.TargetLabels)
	return qname[i:]
}
