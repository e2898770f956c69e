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

// maxChain is the maximum number of names in a chain of aliases. BIND and Unbound stop earlier,
// after 11 to 17 names.
const maxChain = 32

// A Destination is a name or an address to which an answer leads the client. If Addr is not valid,
// the Destination is a name.
type Destination struct {
	Name ruleset.QName
	Addr netip.Addr
}

func (d *Destination) set(name string, rrtype uint16) bool {
	d.Addr = netip.Addr{}
	if name == "." || !d.Name.Set(name) {
		return false
	}
	d.Name.Service = ServiceLabels(&d.Name, rrtype)
	return true
}

func (d *Destination) setTarget(s *dns.SVCB) bool {
	asked := dns.TypeA
	if s.Priority == 0 {
		asked = s.Hdr.Rrtype
	}
	return d.set(s.Target, asked)
}

func (d *Destination) setAddr(ip net.IP) bool {
	a, ok := netip.AddrFromSlice(ip)
	d.Addr = a.Unmap()
	return ok
}

// HasDestinations reports whether a reply has records that can lead a client to another name or to
// an address. The check is quick.
func HasDestinations(m *dns.Msg, q dns.Question, addresses bool) bool {
	qname := settled(q)
	return hasDestinations(m.Answer, qname, addresses) || hasDestinations(m.Ns, qname, addresses) || hasDestinations(m.Extra, qname, addresses)
}

func settled(q dns.Question) string {
	if Passes(q.Qtype, ruleset.SubtreePasses) {
		return ""
	}
	return q.Name
}

func hasDestinations(section []dns.RR, qname string, addresses bool) bool {
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

// MayBeOrdered reports whether a reply may lead a client to a blocked name or address. The two
// functions say whether one name or one address may be blocked.
func MayBeOrdered(m *dns.Msg, q dns.Question, addresses bool, name func(string) bool, addr func(netip.Addr) bool) bool {
	last := settled(q)
	ordered := func(rr dns.RR) bool {
		h, target := rr.Header(), ""
		switch h.Rrtype {
		case dns.TypeA, dns.TypeAAAA, dns.TypeCNAME:
		case dns.TypeHTTPS, dns.TypeSVCB:
			if strings.HasPrefix(h.Name, "_") {
				last = ""
			}
		case dns.TypeDNAME:
			// A DNAME makes new names. Only Destinations can decide.
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

// AnsweredByAlias reports whether the answer to a DS or DNSKEY query contains an alias. A cache in
// front of this server may use the alias for all types. A client could then bypass the block.
func AnsweredByAlias(m *dns.Msg, qtype uint16) bool {
	if !Passes(qtype, ruleset.SubtreePasses) {
		return false
	}
	return slices.ContainsFunc(m.Answer, isAlias)
}

// Aliases yields the owners of the CNAMEs and DNAMEs in the answer section.
func Aliases(m *dns.Msg) iter.Seq[*Destination] {
	return func(yield func(*Destination) bool) {
		d := new(Destination)
		for _, rr := range m.Answer {
			if h := rr.Header(); isAlias(rr) && d.set(h.Name, h.Rrtype) && !yield(d) {
				return
			}
		}
	}
}

// Destinations yields the names and addresses to which a reply leads the client. The names are the
// targets of CNAME, DNAME, HTTPS and SVCB records in the answer section. Each Destination is valid
// only until the next iteration.
func Destinations(m *dns.Msg, q dns.Question, addresses bool) iter.Seq[*Destination] {
	return func(yield func(*Destination) bool) {
		d := new(Destination)
		if !d.Name.Set(q.Name) || !d.chain(m.Answer, q.Qtype, yield) {
			return
		}
		for _, rr := range m.Answer {
			if !d.hosts(rr, q.Qtype, yield) {
				return
			}
			if !addresses {
				continue
			}
			for ip := range ips(rr) {
				if d.setAddr(ip) && !yield(d) {
					return
				}
			}
		}
	}
}

func (d *Destination) chain(answer []dns.RR, qtype uint16, yield func(*Destination) bool) bool {
	if !slices.ContainsFunc(answer, isAlias) {
		return true
	}
	// Follow all CNAMEs and DNAMEs of a name, because clients choose differently. For example,
	// glibc follows the last CNAME, and validators follow the DNAME.
	reached := []dname.Name{d.Name.Name()}
	for i := 0; i < len(reached); i++ {
		for _, rr := range answer {
			if !d.follow(reached[i], rr, qtype) || slices.Contains(reached, d.Name.Name()) {
				continue
			}
			if len(reached) > maxChain {
				return d.anywhere(reached, answer, qtype, yield)
			}
			reached = append(reached, d.Name.Name())
			if !yield(d) {
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

func (d *Destination) hosts(rr dns.RR, qtype uint16, yield func(*Destination) bool) bool {
	s := service(rr)
	if s == nil {
		return true
	}
	h := rr.Header()
	if qtype == dns.TypeANY && d.set(h.Name, h.Rrtype) && d.Name.Service > 0 && !yield(d) {
		return false
	}
	return !d.setTarget(s) || yield(d)
}

func (d *Destination) follow(from dname.Name, rr dns.RR, qtype uint16) bool {
	switch rr := rr.(type) {
	case *dns.CNAME:
		d.Name.SetName(from)
		return covers(rr.Hdr.Name, &d.Name.Wire) == d.Name.NumLabels() && d.set(rr.Target, qtype)
	case *dns.DNAME:
		d.Name.SetName(from)
		n := covers(rr.Hdr.Name, &d.Name.Wire)
		return n >= 0 && n < d.Name.NumLabels() && d.substitute(n, rr.Target, qtype)
	}
	return false
}

// Inlining would need more stack.
//
//go:noinline
func covers(owner string, name *dname.Wire) int {
	var o dname.Wire
	if !o.Set(owner) || !o.Covers(name) {
		return -1
	}
	return o.NumLabels()
}

// Two DNAMEs that lead to each other can make very many names.
const maxRedirected = 256

func (d *Destination) anywhere(reached []dname.Name, answer []dns.RR, qtype uint16, yield func(*Destination) bool) bool {
	seen := make(map[dname.Name]bool, len(reached)+len(answer))
	for _, name := range reached {
		seen[name] = true
	}
	add := func() bool {
		name := d.Name.Name()
		if seen[name] {
			return true
		}
		seen[name], reached = true, append(reached, name)
		return yield(d)
	}
	links, subtrees := map[dname.Name][]string{}, map[dname.Name][]string{} // the targets of CNAMEs and of DNAMEs, by owner
	for _, rr := range answer {
		if !isAlias(rr) || !d.Name.Set(rr.Header().Name) {
			continue
		}
		owner := d.Name.Name()
		switch rr := rr.(type) {
		case *dns.CNAME:
			links[owner] = append(links[owner], rr.Target)
		case *dns.DNAME:
			subtrees[owner] = append(subtrees[owner], rr.Target)
		}
	}
	next := 0
	expand := func() bool {
		for most := len(reached) + len(answer) + maxRedirected; next < len(reached) && len(reached) < most; next++ {
			from := reached[next]
			for _, target := range links[from] {
				if d.set(target, qtype) && !add() {
					return false
				}
			}
			d.Name.SetName(from)
			for labels := d.Name.NumLabels() - 1; labels >= 0 && len(subtrees) > 0; labels-- {
				d.Name.SetName(from)
				for _, target := range subtrees[d.Name.Ancestor(labels)] {
					d.Name.SetName(from)
					if d.substitute(labels, target, qtype) && !add() {
						return false
					}
				}
			}
		}
		return true
	}
	if !expand() {
		return false
	}
	for _, rr := range answer {
		target := ""
		switch rr := rr.(type) {
		case *dns.CNAME:
			target = rr.Target
		case *dns.DNAME:
			target = rr.Target
		}
		if target != "" && d.set(target, qtype) && !add() {
			return false
		}
	}
	return expand()
}

// RFC 6672, section 2.2, describes this substitution.
func (d *Destination) substitute(labels int, target string, qtype uint16) bool {
	var t dname.Wire
	if !t.Set(target) {
		return false
	}
	whole := d.Name.Suffix(d.Name.NumLabels())
	name := bytes.Clone(whole[:len(whole)-len(d.Name.Suffix(labels))])
	name = append(name, t.Suffix(t.NumLabels())...)
	if len(name) > dname.MaxWire {
		return false
	}
	d.Name.SetWire(name)
	d.Name.Service = ServiceLabels(&d.Name, qtype)
	return true
}

func service(rr dns.RR) *dns.SVCB {
	switch rr := rr.(type) {
	case *dns.HTTPS:
		return &rr.SVCB
	case *dns.SVCB:
		return rr
	}
	return nil
}

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

// Clean returns a reply without the record sets that lead to unwanted names and addresses. The
// given function decides what is unwanted. Before the call, check all Destinations of the reply.
func Clean(m *dns.Msg, addresses bool, drop func(*Destination) bool) *dns.Msg {
	var d Destination
	var gone map[rrset]bool // nil until the first RRset is dropped
	for _, section := range [...][]dns.RR{m.Answer, m.Ns, m.Extra} {
		for _, rr := range section {
			if d.loose(rr, addresses, drop) {
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
	// A cache would take a part of an RRset for the whole RRset. So remove whole RRsets, with their
	// signatures.
	out := *m
	for _, section := range [...]*[]dns.RR{&out.Answer, &out.Ns, &out.Extra} {
		*section = slices.DeleteFunc(slices.Clone(*section), func(rr dns.RR) bool { return gone[setOf(rr)] })
	}
	return &out
}

type rrset struct {
	owner dname.Name
	typ   uint16
}

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

func (d *Destination) loose(rr dns.RR, addresses bool, f func(*Destination) bool) bool {
	h := rr.Header()
	switch h.Rrtype {
	case dns.TypeA, dns.TypeAAAA, dns.TypeHTTPS, dns.TypeSVCB, dns.TypeCNAME, dns.TypeDNAME:
	default:
		return false
	}
	if d.set(h.Name, h.Rrtype) && f(d) {
		return true
	}
	if s := service(rr); s != nil && d.setTarget(s) && f(d) {
		return true
	}
	if addresses {
		for ip := range ips(rr) {
			if d.setAddr(ip) && f(d) {
				return true
			}
		}
	}
	return false
}
