package answer

import (
	"bytes"
	"iter"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/miekg/dns"
)

// maxChain bounds the names that are followed in one answer, since to find the next
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

// MayLead reports whether a reply has records for which Leads or Clean could yield more
// than the asked name of q. A reply need not repeat its question. Most answers have no
// such records, and then this look is all that they cost.
func MayLead(m *dns.Msg, q dns.Question, addresses bool) bool {
	qname := settled(q)
	return mayLead(m.Answer, qname, addresses) || mayLead(m.Ns, qname, addresses) || mayLead(m.Extra, qname, addresses)
}

// settled returns the asked name of q when it passes whatever the type of a record, and
// "" when it passes for the type of q only.
func settled(q dns.Question) string {
	if Passes(q.Qtype, ruleset.BelowPasses) {
		return ""
	}
	return q.Name
}

func mayLead(section []dns.RR, qname string, addresses bool) bool {
	for _, rr := range section {
		switch h := rr.Header(); h.Rrtype {
		case dns.TypeCNAME, dns.TypeDNAME, dns.TypeHTTPS, dns.TypeSVCB:
			return true
		case dns.TypeA, dns.TypeAAAA:
			if addresses || h.Name != qname && !strings.EqualFold(h.Name, qname) {
				return true
			}
		}
	}
	return false
}

// MayBeOrdered reports whether anything that Leads or Clean would ask about may be
// ordered. It asks about every owner and target of the reply, on the way of the answer
// or not, and takes a DNAME, which makes up a name, for one that may be ordered. Mostly
// nothing is ordered, and finding that out takes no chain to be walked.
func MayBeOrdered(m *dns.Msg, q dns.Question, addresses bool, name func(string) bool, addr func(netip.Addr) bool) bool {
	last := settled(q) // the name that was asked about last: records of one name come together
	ordered := func(rr dns.RR) bool {
		h, target := rr.Header(), ""
		switch h.Rrtype {
		case dns.TypeA, dns.TypeAAAA, dns.TypeCNAME:
		case dns.TypeHTTPS, dns.TypeSVCB:
			if strings.HasPrefix(h.Name, "_") {
				last = "" // an order for the host covers a service's records and no others
			}
		case dns.TypeDNAME:
			return true
		default:
			return false
		}
		if h.Name != last {
			if last = h.Name; name(last) {
				return true
			}
		}
		if c, ok := rr.(*dns.CNAME); ok {
			target = c.Target
		} else if s := service(rr); s != nil {
			target = s.Target
		}
		if target != "" {
			if last = target; name(last) {
				return true
			}
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
	return slices.ContainsFunc(m.Answer, ordered) || slices.ContainsFunc(m.Ns, ordered) || slices.ContainsFunc(m.Extra, ordered)
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
	return slices.ContainsFunc(m.Answer, isAlias)
}

// Aliases yields the owners of CNAMEs and DNAMEs in the answer section: the names
// for which a cache can use such an answer. It is for answers that lead around;
// where the last of them leads is asked for by its own name.
func Aliases(m *dns.Msg) iter.Seq[*Lead] {
	return func(yield func(*Lead) bool) {
		l := new(Lead)
		for _, rr := range m.Answer {
			if h := rr.Header(); isAlias(rr) && l.set(h.Name, h.Rrtype) && !yield(l) {
				return
			}
		}
	}
}

// Leads yields where the answer section of a reply to q takes the client: every name
// that CNAMEs and DNAMEs lead to from the asked name on, in the order of the chain
// whatever that of the records, and beyond maxChain names in none; the targets of HTTPS
// and SVCB records, before them the services that these are about when q asked for any
// type; with addresses, those of A and AAAA records and of hints. A Lead is good until
// the next one.
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

// chain yields the names that CNAMEs and DNAMEs lead to from l on, and reports whether to
// go on. A name should have one CNAME, and where a CNAME follows from a DNAME they agree
// (RFC 1034, section 3.6.2; RFC 6672, section 3.1). A reply of which neither is so may
// take one client one way and the next client another way: glibc follows the last CNAME,
// others the first, and validators the DNAME. So all the ways are followed.
func (l *Lead) chain(answer []dns.RR, qtype uint16, yield func(*Lead) bool) bool {
	if !slices.ContainsFunc(answer, isAlias) {
		return true
	}
	reached := []dname.Name{l.Name.Name()}
	for i := 0; i < len(reached); i++ {
		for _, rr := range answer {
			if !l.follow(reached[i], rr, qtype) || slices.Contains(reached, l.Name.Name()) {
				continue
			}
			if len(reached) > maxChain {
				return l.anywhere(answer, qtype, yield)
			}
			reached = append(reached, l.Name.Name())
			if !yield(l) {
				return false
			}
		}
	}
	return true
}

func isAlias(rr dns.RR) bool {
	t := rr.Header().Rrtype
	return t == dns.TypeCNAME || t == dns.TypeDNAME
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

// follow makes l lead to where a CNAME or DNAME takes a name, and reports whether the
// record is one that does.
func (l *Lead) follow(from dname.Name, rr dns.RR, qtype uint16) bool {
	switch rr := rr.(type) {
	case *dns.CNAME:
		l.Name.SetName(from)
		return covers(rr.Hdr.Name, &l.Name.Wire) == l.Name.NumLabels() && l.set(rr.Target, qtype)
	case *dns.DNAME:
		l.Name.SetName(from)
		n := covers(rr.Hdr.Name, &l.Name.Wire)
		return n >= 0 && n < l.Name.NumLabels() && l.substitute(n, rr.Target, qtype)
	}
	return false
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

// Clean returns m without the records, of all sections, that an answer has no use for and
// that drop wants dropped: address records, HTTPS and SVCB included, of such a name or
// with such a target or address, and the CNAMEs and DNAMEs of such a name. What Leads
// yields of an answer must have been found to be none of these, so the records that the
// answer consists of stay. Some stubs (musl's, Go's) use every address of the answer
// section, whatever its owner, and caches of records keep all that they get.
//
// An RRset goes as a whole, signatures and all: caches would take a part for all of it.
// The RRsets that stay are as authentic as they were, so AD stays as it is. Clean
// returns m itself when nothing is dropped.
func Clean(m *dns.Msg, addresses bool, drop func(*Lead) bool) *dns.Msg {
	var l Lead
	var gone map[rrset]bool // made when the first one is
	for _, section := range [...][]dns.RR{m.Answer, m.Ns, m.Extra} {
		for _, rr := range section {
			if l.loose(rr, addresses, drop) {
				if gone == nil {
					gone = map[rrset]bool{}
				}
				gone[setOf(rr)] = true
			}
		}
	}
	if gone == nil {
		return m
	}
	out := *m
	for _, section := range [...]*[]dns.RR{&out.Answer, &out.Ns, &out.Extra} {
		*section = slices.DeleteFunc(slices.Clone(*section), func(rr dns.RR) bool { return gone[setOf(rr)] })
	}
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

// loose reports whether f holds for what a record is about or leads to.
func (l *Lead) loose(rr dns.RR, addresses bool, f func(*Lead) bool) bool {
	h := rr.Header()
	switch h.Rrtype {
	case dns.TypeA, dns.TypeAAAA, dns.TypeHTTPS, dns.TypeSVCB, dns.TypeCNAME, dns.TypeDNAME:
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
