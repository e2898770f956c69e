// Package answer turns a verdict and a query into the DNS message that the
// client gets. It is pure: no clock, no files, no state, and the query it reads
// stays as it was.
//
// [Build] makes the message; [Label] names its form for the counters; [Passes]
// says which queries for a blocked name go on to the next plugin all the same;
// [Through] adapts a verdict to a name that only leads to a blocked one.
//
// Of answers that pass, [Leads] yields where they take the client, [Additional]
// leaves out what blocked names have there, [Cut] lowers the TTLs until a verdict
// may change, and [EchoSubnet] says for which network the answer holds.
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

// Config is what the operator says for all orders. An order's own terms, where
// it has them, come first.
type Config struct {
	TTL          time.Duration // of every record; parts of a second are dropped
	Organization string        // who runs this resolver
	Contact      []string      // mailto: and tel: URIs, others are not sent
	Language     string        // BCP 47 tag of the justifications; empty is "en"
	// SDEOption is the EDNS option by which clients ask for structured errors
	// (draft-ietf-dnsop-structured-dns-error-27, section 5.4). IANA has not
	// assigned it yet; 0 is off.
	SDEOption uint16
}

// The SOA's timers. Nobody transfers this zone, so only the record's TTL and
// MINIMUM mean anything: both are the negative TTL (RFC 2308, section 5).
const (
	soaSerial  = 1
	soaRefresh = 3600
	soaRetry   = 600
	soaExpire  = 86400
)

// maxTTL is the largest TTL there is (RFC 2181, section 8).
const maxTTL = 1<<31 - 1

// Build returns the answer that v prescribes for req at now, which carries
// fractions of a second. v must be Blocked and req must have a question; only
// the first is answered (RFC 9619 allows no more). req is neither changed nor
// does the answer share memory with it: a later writer edits both.
//
// size is the client's buffer, at least 512 as CoreDNS's request.Size gives it.
// What the user is told is cut to it before anything else is, see appendEDE; so
// a caller that will add an option of its own passes that much less. Whatever
// size says, 512 octets are used before TC is set (RFC 6891, section 6.2.3).
func Build(req *dns.Msg, size int, v ruleset.Verdict, now time.Time, cfg *Config) *dns.Msg {
	q, d := req.Question[0], new(denial)
	m := &d.msg
	// As SetReply has it: id, RD, CD and the question with its letter case (0x20)
	// are copied; AA and AD stay clear: this is neither the zone's data nor
	// validated.
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
		// An OPT of our own: the query's holds options that are not ours to
		// echo. DO is mirrored (RFC 3225, section 3), the version is ours, 0.
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
		// A long list of redirect addresses, or a size below 512 that fits
		// after all. No denial comes here: with the longest name it takes 316
		// octets, for every name in it is a pointer to the question's.
		m.Truncate(size)
	case e != nil:
		e.explain(m, size, room, notice{v.Order, kind, signals(o, cfg.SDEOption)}, cfg)
	}
	m.Compress = true
	return m
}

// denial is a reply with what it points at, and explained what a query with EDNS
// gets besides: one allocation each where there would be four. No slice of theirs
// has room, so that whoever appends to one gets another.
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

// Passes reports whether a query of this type goes on to the next plugin
// although its name is blocked. below is Verdict.Below.
//
// DS is the parent's data and carries no content, but a forged denial of it
// breaks the chain of trust to names that nobody ordered. So does one of a
// DNSKEY, once some name below the blocked one still resolves.
func Passes(qtype uint16, below ruleset.Below) bool {
	return qtype == dns.TypeDS || qtype == dns.TypeDNSKEY && below == ruleset.BelowPasses
}

// Label is the form of the answer that Build gives to a query of this type, for
// the counters: nxdomain, nodata, refused or redirect. It differs from what the
// order asks for where that cannot be given.
func Label(v ruleset.Verdict, qtype uint16) string {
	switch form(v, qtype) {
	case order.NXDOMAIN:
		return "nxdomain"
	case order.Refused:
		return "refused"
	case order.Redirect:
		return "redirect"
	default:
		return "nodata"
	}
}

// Through returns the verdict for a name that is not ordered itself but leads
// to the ordered name that v is about, by a CNAME or a service's target. It
// must not be denied existence, nor anything below it, and the SOA is in its
// own name: the order's target need not be above it.
func Through(v ruleset.Verdict) ruleset.Verdict {
	v.TargetLabels = dname.MaxLabels
	v.Below = max(v.Below, ruleset.BelowBlocked)
	return v
}

// form is the answer that can be given where v.Response is asked for. What is
// not known to be anything else is NODATA, which blocks too and says least.
func form(v ruleset.Verdict, qtype uint16) order.ResponseKind {
	switch v.Response.Kind {
	case order.NXDOMAIN:
		// NXDOMAIN denies all names below as well (RFC 8020).
		if v.Below == ruleset.BelowNXDOMAIN {
			return order.NXDOMAIN
		}
	case order.Refused:
		return order.Refused
	case order.Redirect:
		// Other types must not get through: an HTTPS record would lead around
		// the redirect. Nor is ANY answered with part of what there is.
		for _, a := range v.Response.Addresses {
			if addressType(a) == qtype {
				return order.Redirect
			}
		}
	}
	return order.NODATA
}

// addressType is the type of the record that holds a.
func addressType(a netip.Addr) uint16 {
	if a.Unmap().Is4() {
		return dns.TypeA
	}
	return dns.TypeAAAA
}

// timeToLive is the order's TTL, or else the operator's, cut so that the answer
// is forgotten before the verdict may change.
func timeToLive(v ruleset.Verdict, now time.Time, cfg *Config) uint32 {
	d := v.Order.Terms.TTL
	if d < 0 {
		d = cfg.TTL
	}
	left, _ := TimeLeft(v.Until, now)
	return min(uint32(min(max(int64(d/time.Second), 0), maxTTL)), left)
}

// header is that of a forged record. The class is IN also when the query's is
// ANY: that is a question, not a class of data (RFC 1035, section 3.2.5).
func header(owner string, typ uint16, ttl uint32) dns.RR_Header {
	return dns.RR_Header{Name: owner, Rrtype: typ, Class: dns.ClassINET, Ttl: ttl}
}

// addresses are the records of q's type, in the order in which the addresses
// were given. Their owner is the name as asked, letter case included: clients
// with 0x20 look for that.
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

// soa is the record that makes a denial cacheable (RFC 2308, section 3).
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

// owner is the name of the matched target; for a sealed order the asked name,
// since how far up the target is would give it away.
//
// It is spelled as asked and not in lower case. Names are equal in any case, but
// miekg/dns compresses only equal spellings, and without the pointer a long name
// with 0x20 would push the SOA out of a buffer of 512 octets.
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
