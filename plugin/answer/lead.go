package answer

import (
	"bytes"
	"iter"
	"net"
	"net/netip"
	"slices"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/miekg/dns"
)

// maxChain bounds the CNAMEs that are followed in one answer, since to find the next
// one takes a look at all records. Resolvers give up earlier: BIND and Unbound after
// 11 to 17.
const maxChain = 32

// Lead is where an answer takes the client beyond the name that was asked: another
// name or, when Addr is valid, an address.
type Lead struct {
	Name ruleset.Asked
	Addr netip.Addr
}

// set makes l lead to a name, which is asked for with rrtype, and reports whether
// it is one.
func (l *Lead) set(name string, rrtype uint16) bool {
	l.Addr = netip.Addr{}
	if name == "." || !l.Name.Set(name) {
		return false
	}
	l.Name.Service = ServiceLabels(&l.Name, rrtype)
	return true
}

// setTarget makes l lead to the target of a service's record, and reports whether it
// has one. Clients follow an alias with the same question, and ask for the addresses
// of a service's target, whatever that is called (RFC 9460, sections 2.4.2 and 2.4.3).
func (l *Lead) setTarget(s *dns.SVCB) bool {
	asked := dns.TypeA
	if s.Priority == 0 {
		asked = s.Hdr.Rrtype
	}
	return l.set(s.Target, asked)
}

// setAddr makes l lead to an address, and reports whether it is one.
func (l *Lead) setAddr(ip net.IP) bool {
	a, ok := netip.AddrFromSlice(ip)
	l.Addr = a.Unmap()
	return ok
}

// MayLead reports whether a reply has records for which Leads or Additional could
// yield more than qname, the asked name; a reply need not repeat its question. Most
// answers have not, and this is all that they cost.
func MayLead(m *dns.Msg, qname string, addresses bool) bool {
	for _, rr := range m.Answer {
		switch rr.Header().Rrtype {
		case dns.TypeCNAME, dns.TypeDNAME, dns.TypeHTTPS, dns.TypeSVCB:
			return true
		case dns.TypeA, dns.TypeAAAA:
			if addresses {
				return true
			}
		}
	}
	for _, rr := range m.Extra {
		switch h := rr.Header(); h.Rrtype {
		case dns.TypeHTTPS, dns.TypeSVCB:
			return true
		case dns.TypeA, dns.TypeAAAA:
			if addresses || h.Name != qname {
				return true
			}
		}
	}
	return false
}

// MayBeOrdered reports whether anything that Leads or Additional would ask about may
// be ordered: it asks about all that is named, on the way of the answer or not, and
// takes a DNAME, which makes up a name, for one that is. Mostly nothing is, and
// finding that out takes no chain to be walked.
func MayBeOrdered(m *dns.Msg, qtype uint16, addresses bool, name func(string) bool, addr func(netip.Addr) bool) bool {
	ordered := func(rr dns.RR) bool {
		switch rr := rr.(type) {
		case *dns.CNAME:
			return name(rr.Target)
		case *dns.DNAME:
			return true
		}
		if s := service(rr); s != nil && (name(s.Target) || qtype == dns.TypeANY && name(s.Hdr.Name)) {
			return true
		}
		if addresses {
			for ip := range ips(rr) {
				if a, ok := netip.AddrFromSlice(ip); ok && addr(a.Unmap()) {
					return true
				}
			}
		}
		return false
	}
	if slices.ContainsFunc(m.Answer, ordered) {
		return true
	}
	last := ""
	for _, rr := range m.Extra {
		switch h := rr.Header(); h.Rrtype {
		case dns.TypeA, dns.TypeAAAA, dns.TypeHTTPS, dns.TypeSVCB:
			if h.Name != last && name(h.Name) || ordered(rr) {
				return true
			}
			last = h.Name
		}
	}
	return false
}

// LeadsAround reports whether an answer to a query whose type passes, blocked name
// or not, holds a CNAME or DNAME instead. That is good for every type: a cache in
// front would answer the next query for an address with it, and walk past the
// block. A name that is answered so is no zone's apex and has no keys (RFC 2181,
// section 10.1; RFC 6672, section 2.3), so hardly a chain of trust needs it.
func LeadsAround(m *dns.Msg, qtype uint16) bool {
	if !Passes(qtype, ruleset.BelowPasses) {
		return false
	}
	for _, rr := range m.Answer {
		if t := rr.Header().Rrtype; t == dns.TypeCNAME || t == dns.TypeDNAME {
			return true
		}
	}
	return false
}

// Aliases yields the owners of CNAMEs and DNAMEs in the answer section: the names
// for which a cache can use such an answer. It is for answers that lead around;
// where the last of them leads is asked for by its own name.
func Aliases(m *dns.Msg) iter.Seq[*Lead] {
	return func(yield func(*Lead) bool) {
		l := new(Lead)
		for _, rr := range m.Answer {
			h := rr.Header()
			if (h.Rrtype == dns.TypeCNAME || h.Rrtype == dns.TypeDNAME) && l.set(h.Name, h.Rrtype) && !yield(l) {
				return
			}
		}
	}
}

// Leads yields where the answer section of a reply to q takes the client: the
// chain of CNAMEs and DNAMEs from the asked name on, in its order whatever that of
// the records, and beyond maxChain links in none; the targets of HTTPS and SVCB
// records, before them the services that these are about when q asked for any type;
// with addresses, those of A and AAAA records and of hints. A Lead is good until the
// next one.
func Leads(m *dns.Msg, q dns.Question, addresses bool) iter.Seq[*Lead] {
	return func(yield func(*Lead) bool) {
		l := new(Lead)
		if !l.Name.Set(q.Name) || !l.chain(m.Answer, q.Qtype, yield) {
			return
		}
		for _, rr := range m.Answer {
			if !l.hosts(rr, q.Qtype, yield) {
				return
			}
			if !addresses {
				continue
			}
			for ip := range ips(rr) {
				if l.setAddr(ip) && !yield(l) {
					return
				}
			}
		}
	}
}

// chain yields where the chain of CNAMEs and DNAMEs from l on leads, and reports
// whether to go on.
func (l *Lead) chain(answer []dns.RR, qtype uint16, yield func(*Lead) bool) bool {
	at, more := l.follow(answer, 0, qtype)
	for i := 0; more; i++ {
		if i == maxChain {
			return l.anywhere(answer, qtype, yield)
		}
		if !yield(l) {
			return false
		}
		at, more = l.follow(answer, at, qtype)
	}
	return true
}

// hosts yields where an HTTPS or SVCB record leads, and reports whether to go on.
func (l *Lead) hosts(rr dns.RR, qtype uint16, yield func(*Lead) bool) bool {
	s := service(rr)
	if s == nil {
		return true
	}
	h := rr.Header()
	// An order for the exact host covers this record, but not all types of its name.
	if qtype == dns.TypeANY && l.set(h.Name, h.Rrtype) && l.Name.Service > 0 && !yield(l) {
		return false
	}
	return !l.setTarget(s) || yield(l)
}

// follow takes one step of the chain from l, looking at the record at first, since
// chains mostly stand in their order, and says where to look next.
func (l *Lead) follow(answer []dns.RR, at int, qtype uint16) (next int, ok bool) {
	var above *dns.DNAME
	var labels int // of its owner
	for i := range answer {
		k := (at + i) % len(answer)
		switch rr := answer[k].(type) {
		case *dns.CNAME:
			if n := covers(rr.Hdr.Name, &l.Name.Wire); n == l.Name.NumLabels() {
				return k + 1, l.set(rr.Target, qtype)
			}
		case *dns.DNAME:
			if above != nil {
				continue
			}
			if n := covers(rr.Hdr.Name, &l.Name.Wire); n >= 0 && n < l.Name.NumLabels() {
				above, labels, next = rr, n, k+1
			}
		}
	}
	// Servers put the CNAME that follows from a DNAME beside it (RFC 6672, section
	// 3.1). Stubs know no more than that, so it counts when the two differ.
	if above == nil {
		return at, false
	}
	return next, l.substitute(labels, above.Target, qtype)
}

// covers returns the number of labels of owner when it is name or above it, else -1.
// The room that it takes on the stack is gone when judging begins.
//
//go:noinline
func covers(owner string, name *dname.Wire) int {
	var o dname.Wire
	if !o.Set(owner) || !o.Covers(name) {
		return -1
	}
	return o.NumLabels()
}

// anywhere yields where any CNAME or DNAME leads: the end of a chain that is too
// long to follow, or of a loop, is one of those if it is at all.
func (l *Lead) anywhere(answer []dns.RR, qtype uint16, yield func(*Lead) bool) bool {
	for _, rr := range answer {
		var target string
		switch rr := rr.(type) {
		case *dns.CNAME:
			target = rr.Target
		case *dns.DNAME:
			target = rr.Target
		default:
			continue
		}
		if l.set(target, qtype) && !yield(l) {
			return false
		}
	}
	return true
}

// substitute puts target into the place of the last labels of l's name (RFC 6672,
// section 2.2), and reports whether the result is a name.
func (l *Lead) substitute(labels int, target string, qtype uint16) bool {
	var t dname.Wire
	if !t.Set(target) {
		return false
	}
	whole := l.Name.Suffix(l.Name.NumLabels())
	name := bytes.Clone(whole[:len(whole)-len(l.Name.Suffix(labels))])
	name = append(name, t.Suffix(t.NumLabels())...)
	if len(name) > dname.MaxWire {
		return false
	}
	l.Name.SetWire(name)
	l.Name.Service = ServiceLabels(&l.Name, qtype)
	return true
}

// service returns an HTTPS or SVCB record, nil for others.
func service(rr dns.RR) *dns.SVCB {
	switch rr := rr.(type) {
	case *dns.HTTPS:
		return &rr.SVCB
	case *dns.SVCB:
		return rr
	}
	return nil
}

// ips yields the addresses that a record carries.
func ips(rr dns.RR) iter.Seq[net.IP] {
	return func(yield func(net.IP) bool) {
		switch rr := rr.(type) {
		case *dns.A:
			yield(rr.A)
			return
		case *dns.AAAA:
			yield(rr.AAAA)
			return
		}
		s := service(rr)
		if s == nil {
			return
		}
		for _, v := range s.Value {
			var hint []net.IP
			switch v := v.(type) {
			case *dns.SVCBIPv4Hint:
				hint = v.Hint
			case *dns.SVCBIPv6Hint:
				hint = v.Hint
			}
			for _, ip := range hint {
				if !yield(ip) {
					return
				}
			}
		}
	}
}

// Additional returns m without the address records of its additional section, HTTPS
// and SVCB included, that stand at a name which drop wants dropped or lead to
// what it wants dropped. An RRset goes as a whole, signatures and all: caches would
// take a part for all of it. It is m itself when there is none.
func Additional(m *dns.Msg, addresses bool, drop func(*Lead) bool) *dns.Msg {
	var l Lead
	var gone map[rrset]bool // made when the first one is
	for _, rr := range m.Extra {
		if l.extra(rr, addresses, drop) {
			if gone == nil {
				gone = map[rrset]bool{}
			}
			gone[setOf(rr)] = true
		}
	}
	if gone == nil {
		return m
	}
	out := *m
	out.Extra = slices.DeleteFunc(slices.Clone(m.Extra), func(rr dns.RR) bool { return gone[setOf(rr)] })
	return &out
}

// rrset identifies an RRset.
type rrset struct {
	owner dname.Name
	typ   uint16
}

// setOf returns the RRset that a record belongs to or, being a signature, covers.
func setOf(rr dns.RR) rrset {
	typ := rr.Header().Rrtype
	if sig, ok := rr.(*dns.RRSIG); ok {
		typ = sig.TypeCovered
	}
	var w dname.Wire
	if !w.Set(rr.Header().Name) {
		return rrset{}
	}
	return rrset{w.Name(), typ}
}

// extra reports whether f holds for what a record of the additional section is
// about or leads to.
func (l *Lead) extra(rr dns.RR, addresses bool, f func(*Lead) bool) bool {
	h := rr.Header()
	switch h.Rrtype {
	case dns.TypeA, dns.TypeAAAA, dns.TypeHTTPS, dns.TypeSVCB:
	default:
		return false
	}
	if l.set(h.Name, h.Rrtype) && f(l) {
		return true
	}
	if s := service(rr); s != nil && l.setTarget(s) && f(l) {
		return true
	}
	if addresses {
		for ip := range ips(rr) {
			if l.setAddr(ip) && f(l) {
				return true
			}
		}
	}
	return false
}
