// Package answer turns a verdict (the decision about a query) into the DNS message for the
// client. The package has no clock, no files and no state, and it does not change the query.
//
// [Build] builds the message. [Label] returns the form of the message, for example "nodata",
// for the counters. [Passes] reports whether a query for a blocked name goes to the next
// plugin because of its type. [ForAlias] changes a verdict about a blocked name into a verdict
// about a name that leads there by an alias.
//
// Other functions process answers that are not blocked. [Destinations] yields the names and
// addresses to which an answer leads the client. [Clean] removes records of blocked names to
// which the answer does not lead. [CapTTL] lowers the TTLs to the time until a verdict may
// change. [EchoSubnet] adds the client network for which the answer is valid.
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

// A Config contains the operator's settings. A term of an order, for example its TTL, takes
// precedence over the setting.
type Config struct {
	TTL          time.Duration // TTL of the records in a denial or redirect; fractions of a second are dropped
	Organization string        // name of the operator of this resolver
	Contact      []string      // mailto: and tel: URIs; other URIs are not sent
	Language     string        // BCP 47 tag of the justifications; empty means "en"
	// SDEOption is the code of the EDNS option with which clients ask for structured errors
	// (draft-ietf-dnsop-structured-dns-error-27, section 5.4). IANA has not assigned a code
	// yet. The code 0 turns the option off.
	SDEOption uint16
}

// These are the timers of the SOA record in a denial. The zone is never transferred, so only
// the TTL of the record and MINIMUM matter. The TTL and MINIMUM are both set to the negative
// TTL (RFC 2308, section 5).
const (
	soaSerial  = 1
	soaRefresh = 3600
	soaRetry   = 600
	soaExpire  = 86400
)

// maxTTL is the largest TTL that DNS allows (RFC 2181, section 8).
const maxTTL = 1<<31 - 1

// Build returns the answer to req that the verdict v requires at the time now. v must be
// Blocked. req must have a question, and only the first question is answered (RFC 9619 allows
// only one). Build does not change req. The answer shares no memory with req, because later
// writers edit the answer and the query. now may have fractions of a second.
//
// size is the size of the client's buffer in octets, as CoreDNS's request.Size returns it. If
// the message is too large, the explanation for the user is shortened first (see explain). A
// caller that adds an option later must pass a smaller size. Build sets TC only if the message
// is also larger than 512 octets (RFC 6891, section 6.2.3).
func Build(req *dns.Msg, size int, v ruleset.Verdict, now time.Time, cfg *Config) *dns.Msg {
	q, d := req.Question[0], new(denial)
	m := &d.msg
	// The header is the header that dns.Msg.SetReply would set: ID, RD, CD and the question
	// are copied, with the letter case of the question (0x20). AA and AD are clear, because
	// the answer is neither data of the zone nor validated.
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
		// The answer has its own OPT, because the query's OPT has options that must not be
		// echoed. DO is copied (RFC 3225, section 3). The version is 0.
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
		// Truncate is needed in two cases: the message has many redirect addresses, or size is
		// below 512, where Truncate still allows 512 octets. A denial never needs TC. Even
		// with the longest name, a denial has only 316 octets, because each repeated name is a
		// compression pointer.
		m.Truncate(size)
	case e != nil:
		e.explain(m, size, room, notice{v.Order, kind, signals(o, cfg.SDEOption)}, cfg)
	}
	m.Compress = true
	return m
}

// A denial contains a reply and the memory of the reply's parts, so that one allocation is
// enough instead of four. The slices have no spare capacity, so an append to a slice allocates
// a new array.
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

// Passes reports whether a query of type qtype goes to the next plugin although its name is
// blocked. below is Verdict.Subtree, the outcome for the names below the blocked name.
//
// A DS record belongs to the parent zone and carries no content. A forged denial of DS would
// break the chain of trust to names that no order covers. A forged denial of DNSKEY would
// break the chain of trust too, if some name below the blocked name still resolves.
func Passes(qtype uint16, below ruleset.SubtreeOutcome) bool {
	return qtype == dns.TypeDS || qtype == dns.TypeDNSKEY && below == ruleset.SubtreePasses
}

// Label returns the form of the answer that Build gives to a query of type qtype: nxdomain,
// nodata, refused or redirect. The form may differ from the response in the order, because not
// every response fits every query. For example, a redirect does not fit an MX query.
func Label(v ruleset.Verdict, qtype uint16) string {
	return form(v, qtype).String()
}

// ForAlias returns the verdict for a name that is not blocked itself, but leads to the blocked
// name of v by a CNAME or by the target of a service record. The answer is NODATA instead of
// NXDOMAIN, because it must not deny that the name or names below the name exist. The owner of
// the SOA is the queried name, because the target of the order may be elsewhere in the tree.
func ForAlias(v ruleset.Verdict) ruleset.Verdict {
	v.TargetLabels = dname.MaxLabels
	v.Subtree = max(v.Subtree, ruleset.SubtreeBlocked)
	return v
}

// form returns the form of the answer. It is the response in v if that response fits the
// query, and NODATA otherwise. NODATA also blocks the query, and it denies the least.
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
		// Only A and AAAA queries can be redirected. Other types must not pass, because an
		// HTTPS record, for example, would lead the client around the redirect. A query of
		// type ANY gets no redirect, because the address records would be only a part of the
		// records.
		for _, a := range v.Response.Addresses {
			if addressType(a) == qtype {
				return order.Redirect
			}
		}
	}
	return order.NODATA
}

// addressType returns the type of the record for the address a.
func addressType(a netip.Addr) uint16 {
	if a.Unmap().Is4() {
		return dns.TypeA
	}
	return dns.TypeAAAA
}

// timeToLive returns the TTL of the order. If the order has none, it returns the operator's
// TTL. The TTL is lowered so that caches drop the answer before the verdict may change.
func timeToLive(v ruleset.Verdict, now time.Time, cfg *Config) uint32 {
	d := v.Order.Terms.TTL
	if d < 0 {
		d = cfg.TTL
	}
	left, _ := TimeLeft(v.Until, now)
	return min(uint32(min(max(int64(d/time.Second), 0), maxTTL)), left)
}

// header returns the header of a forged record. The class of the record is IN even if the
// class of the query is ANY, because ANY is only a class of questions (RFC 1035, section
// 3.2.5).
func header(owner string, typ uint16, ttl uint32) dns.RR_Header {
	return dns.RR_Header{Name: owner, Rrtype: typ, Class: dns.ClassINET, Ttl: ttl}
}

// addresses returns an address record for each address in addrs that matches the type of q.
// The owner has the letter case of the question, because clients that use 0x20 check the case.
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

// owner returns the owner of the SOA record: the name of the matched target. For a sealed
// order (a secret order), it is the query name, because the name of the target would reveal
// the order.
//
// The letter case is that of the query and not lower case. DNS names are equal in any case,
// but miekg/dns compresses only names with equal spelling. Without compression, a long name
// with 0x20 would leave no room for the SOA in 512 octets.
func owner(qname string, v ruleset.Verdict) string {
	if v.Order.Terms.Disclosure.Sealed() {
		return qname
	}
	if v.TargetLabels <= 0 {
		return "."
	}
	i, _ := dns.PrevLabel(qname, v.TargetLabels)
	return qname[i:]
}
