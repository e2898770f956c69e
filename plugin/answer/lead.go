package answer

import (
	"bytes"
	"iter"
	"net"
	"net/netip"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/miekg/dns"
)

// maxChain bounds the CNAMEs that are followed in one answer. Resolvers give up
// earlier: BIND and Unbound after 11 to 17.
const maxChain = 32

// Lead is where an answer takes the client beyond the name that was asked: another
// name or, when Addr is valid, an address.
type Lead struct {
	Name ruleset.Asked
	Addr netip.Addr
}

// set makes l lead to a name, which a record of type rrtype gives, and reports
// whether it is one.
func (l *Lead) set(name string, rrtype uint16) bool {
	l.Addr = netip.Addr{}
	l.Name.Service = ServiceLabels(name, rrtype)
	return name != "." && l.Name.Set(name)
}

// setAddr makes l lead to an address, and reports whether it is one.
func (l *Lead) setAddr(ip net.IP) bool {
	a, ok := netip.AddrFromSlice(ip)
	l.Addr = a.Unmap()
	return ok
}

// MayLead reports whether a message has records for which Leads or Additional
// could yield anything. Most answers have not, and this is all they cost.
func MayLead(m *dns.Msg, addresses bool) bool {
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
		if rr.Header().Rrtype != dns.TypeOPT {
			return true
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

// Leads yields where the answer section of a reply to q takes the client: the
// chain of CNAMEs and DNAMEs from the asked name on, in its order whatever that of
// the records; the targets of HTTPS and SVCB records; with addresses, those of A
// and AAAA records and of hints. A Lead is good until the next one.
func Leads(m *dns.Msg, q dns.Question, addresses bool) iter.Seq[*Lead] {
	return func(yield func(*Lead) bool) {
		l := new(Lead)
		l.set(q.Name, q.Qtype)
		at := 0
		for range maxChain {
			var ok bool
			if at, ok = l.follow(m.Answer, at, q.Qtype); !ok {
				break
			}
			if !yield(l) {
				return
			}
		}
		for _, rr := range m.Answer {
			if s := service(rr); s != nil && l.set(s.Target, rr.Header().Rrtype) && !yield(l) {
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

// follow takes one step of the chain from l, looking at the record at first, since
// chains mostly stand in their order, and says where to look next.
func (l *Lead) follow(answer []dns.RR, at int, qtype uint16) (next int, ok bool) {
	var owner dname.Wire
	for i := range answer {
		k := (at + i) % len(answer)
		switch rr := answer[k].(type) {
		case *dns.CNAME:
			if owner.Set(rr.Hdr.Name) && owner.Compare(&l.Name.Wire) == 0 {
				return k + 1, l.set(rr.Target, qtype)
			}
		case *dns.DNAME:
			// Servers put the CNAME that follows from a DNAME beside it (RFC
			// 6672, section 3.1); behind the DNAME, so that comes first here too.
			if owner.Set(rr.Hdr.Name) && owner.NumLabels() < l.Name.NumLabels() && owner.Covers(&l.Name.Wire) {
				return k + 1, l.substitute(owner.NumLabels(), rr.Target)
			}
		}
	}
	return at, false
}

// substitute puts target into the place of the last labels of l's name (RFC 6672,
// section 2.2), and reports whether the result is a name.
func (l *Lead) substitute(labels int, target string) bool {
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
	l.Name.Service = 0 // a DNAME never stands below a service's labels
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

// Additional returns m without the records of its additional section that give the
// address of a name that drop wants dropped, or such an address, and without their
// signatures. It is m itself when there are none.
func Additional(m *dns.Msg, addresses bool, drop func(*Lead) bool) *dns.Msg {
	var l Lead
	unwanted := func(rr dns.RR) bool {
		h := rr.Header()
		typ := h.Rrtype
		if sig, ok := rr.(*dns.RRSIG); ok {
			typ = sig.TypeCovered
		}
		switch typ {
		case dns.TypeA, dns.TypeAAAA, dns.TypeHTTPS, dns.TypeSVCB:
		default:
			return false
		}
		if l.set(h.Name, typ) && drop(&l) {
			return true
		}
		if s := service(rr); s != nil && l.set(s.Target, typ) && drop(&l) {
			return true
		}
		if addresses {
			for ip := range ips(rr) {
				if l.setAddr(ip) && drop(&l) {
					return true
				}
			}
		}
		return false
	}
	var kept []dns.RR
	for i, rr := range m.Extra {
		switch {
		case unwanted(rr):
			if kept == nil {
				kept = append(make([]dns.RR, 0, len(m.Extra)), m.Extra[:i]...)
			}
		case kept != nil:
			kept = append(kept, rr)
		}
	}
	if kept == nil {
		return m
	}
	out := *m
	out.Extra = kept
	return &out
}
