package rpz

import (
	"time"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/miekg/dns"
)

// AppendRecords appends the records of the entry to a list. The origin is in presentation form,
// with a trailing dot.
func (e *Entry) AppendRecords(list []dns.RR, origin string) []dns.RR {
	owner := string(dname.AppendPresentation(nil, e.wire(nil)))
	if origin != "." {
		owner += origin
	}
	list = e.Own.appendRecords(list, owner)
	return e.Wildcard.appendRecords(list, "*."+owner)
}

func (a *Answer) appendRecords(list []dns.RR, owner string) []dns.RR {
	if a == nil {
		return list
	}
	head := func(rrtype uint16) dns.RR_Header {
		return dns.RR_Header{Name: owner, Rrtype: rrtype, Class: dns.ClassINET, Ttl: uint32(a.TTL / time.Second)}
	}
	if a.Kind != order.Redirect {
		return append(list, &dns.CNAME{Hdr: head(dns.TypeCNAME), Target: a.target()})
	}
	for _, x := range a.Addresses {
		if x.Is4() {
			list = append(list, &dns.A{Hdr: head(dns.TypeA), A: x.AsSlice()})
		} else {
			list = append(list, &dns.AAAA{Hdr: head(dns.TypeAAAA), AAAA: x.AsSlice()})
		}
	}
	return list
}

// See draft-vixie-dnsop-dns-rpz-00, section 3.
func (a *Answer) target() string {
	switch {
	case a == passthru:
		return "rpz-passthru."
	case a.Kind == order.NXDOMAIN:
		return "."
	case a.Kind == order.NODATA:
		return "*."
	}
	// An RPZ cannot express REFUSED, so callers must set Config.Refused.
	panic("rpz: no record for " + a.String())
}

// AppendText appends the entry to a zone file. The names in the lines are relative.
func (e *Entry) AppendText(b []byte) []byte {
	owner := dname.AppendPresentation(nil, e.wire(nil))
	owner = owner[:len(owner)-1]
	b = e.Own.appendText(b, "", owner)
	return e.Wildcard.appendText(b, "*.", owner)
}

func (a *Answer) appendText(b []byte, prefix string, owner []byte) []byte {
	var room [4]dns.RR
	for _, rr := range a.appendRecords(room[:0], "") {
		b = append(append(b, prefix...), owner...)
		b = append(b, rr.String()...)
		b = append(b, '\n')
	}
	return b
}
