package answer

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

// A ResolverInfo is the content of a RESINFO record, which describes a resolver (RFC 9606).
type ResolverInfo struct {
	// Codes lists the extended DNS errors that the resolver may return, in any sequence.
	Codes []Codes
	// URL is the address of a page about the resolver. It must begin with "https://" or be empty.
	URL string
}

// Codes is a range of INFO-CODEs of extended DNS errors, from First to Last.
type Codes struct{ First, Last uint16 }

// A long TTL is harmless. After an unknown error, a client asks for the record again (RFC 9606,
// section 5).
const resolverInfoTTL = 3600

// maxString is the largest size of a string in a TXT or RESINFO record (RFC 1035, section 3.3).
const maxString = 255

// OrderCodes returns the extended DNS errors for blocked queries. onlyPlainLists is true if all
// orders come from the operator's plain lists. redirect is true if the Corefile redirects names of
// plain lists.
func OrderCodes(onlyPlainLists, redirect bool) []Codes {
	codes := []Codes{{dns.ExtendedErrorCodeBlocked, dns.ExtendedErrorCodeBlocked}}
	if !onlyPlainLists {
		codes[0].Last = dns.ExtendedErrorCodeCensored
	}
	if !onlyPlainLists || redirect {
		codes = append(codes, Codes{dns.ExtendedErrorCodeForgedAnswer, dns.ExtendedErrorCodeForgedAnswer})
	}
	return codes
}

// Strings returns the keys and values of the record. It returns an error for a text that is too
// long.
func (i *ResolverInfo) Strings() ([]string, error) {
	var out []string
	if codes := joinCodes(i.Codes); codes != "" {
		out = append(out, "exterr="+codes)
	}
	if i.URL != "" {
		out = append(out, "infourl="+i.URL)
	}
	for _, s := range out {
		if len(s) > maxString {
			key, _, _ := strings.Cut(s, "=")
			return nil, fmt.Errorf("the key %s has %d octets, and a string of a record has at most %d", key, len(s), maxString)
		}
	}
	return out, nil
}

func joinCodes(codes []Codes) string {
	codes = slices.Clone(codes)
	slices.SortFunc(codes, func(a, b Codes) int { return int(a.First) - int(b.First) })
	var joined []Codes
	for _, c := range codes {
		if n := len(joined); n > 0 && int(c.First) <= int(joined[n-1].Last)+1 {
			joined[n-1].Last = max(joined[n-1].Last, c.Last)
			continue
		}
		joined = append(joined, c)
	}
	var out []string
	for _, c := range joined {
		s := strconv.Itoa(int(c.First))
		if c.Last > c.First {
			s += "-" + strconv.Itoa(int(c.Last))
		}
		out = append(out, s)
	}
	return strings.Join(out, ",")
}

// BuildResolverInfo returns the answer to a RESINFO query, with the strings of a ResolverInfo. size
// is the client's buffer in octets.
func BuildResolverInfo(req *dns.Msg, size int, strings []string) *dns.Msg {
	q := req.Question[0]
	m := &dns.Msg{MsgHdr: dns.MsgHdr{Id: req.Id, Response: true, Opcode: req.Opcode, RecursionDesired: req.RecursionDesired,
		CheckingDisabled: req.CheckingDisabled, RecursionAvailable: true}}
	// Clients discard an answer without AA (RFC 9606, section 3).
	m.Authoritative = true
	m.Question = []dns.Question{q}
	m.Answer = []dns.RR{&dns.RESINFO{Hdr: header(q.Name, dns.TypeRESINFO, resolverInfoTTL), Txt: strings}}
	if o := req.IsEdns0(); o != nil {
		m.SetEdns0(max(o.UDPSize(), dns.MinMsgSize), o.Do())
	}
	m.Truncate(size)
	return m
}
