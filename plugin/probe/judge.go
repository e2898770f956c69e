package probe

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/answer"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/miekg/dns"
)

// An Outcome is the result of a comparison of an answer with the orders.
type Outcome string

// The outcomes.
const (
	Right    Outcome = "right"
	Wrong    Outcome = "wrong"
	Unclear  Outcome = "unclear"   // the answer cannot be told apart from the opposite answer
	NoAnswer Outcome = "no_answer" // the server did not answer in time
	NotAsked Outcome = "not_asked" // the probe was stopped before the question
)

// Rules say which answers are right.
type Rules struct {
	// Exact means that a blocked name needs the prescribed response and extended error. Otherwise
	// any blocking answer is right.
	Exact bool
	// Answer has the settings of the server, for Exact.
	Answer *answer.Config
	// Pages are the addresses of block pages. An answer with one of these addresses is a block.
	Pages []netip.Addr
}

var blockCodes = []uint16{dns.ExtendedErrorCodeForgedAnswer, dns.ExtendedErrorCodeBlocked, dns.ExtendedErrorCodeCensored, dns.ExtendedErrorCodeFiltered}

// Expected returns the response that the orders prescribe, for example "nxdomain" or
// "pass".
func Expected(v ruleset.Verdict, qtype uint16) string {
	if !v.Blocked() || answer.Passes(qtype, v.Subtree) {
		return "pass"
	}
	return answer.Label(v, qtype)
}

// Judge compares an answer with the verdict about the queried name. The text is the reason for the
// outcome. It is empty for a right answer.
func Judge(query, m *dns.Msg, v ruleset.Verdict, now time.Time, rules *Rules) (Outcome, string) {
	qtype := query.Question[0].Qtype
	looks, why := inspect(m, v, rules)
	switch {
	case Expected(v, qtype) == "pass":
		return judgePass(looks, why, m, rules)
	case rules.Exact:
		return judgeExact(query, m, v, now, rules)
	}
	switch looks {
	case blocked:
		return Right, ""
	case passed:
		return Wrong, "the name is not blocked: " + why
	case broken:
		return Unclear, why + ", which is neither a block nor an answer of the name"
	}
	return Unclear, why + ", which cannot be told apart from a name without data"
}

type appearance int

const (
	passed  appearance = iota
	blocked            // a filter has made the answer
	denied             // a denial, which a filter or the zone of the name may have made
	broken             // an error of the server or of the servers of the name
)

func inspect(m *dns.Msg, v ruleset.Verdict, rules *Rules) (appearance, string) {
	what := describe(m)
	for _, code := range answer.ErrorCodes(m) {
		if slices.Contains(blockCodes, code) {
			return blocked, fmt.Sprintf("%s with the extended error %d (%s)", what, code, dns.ExtendedErrorCodeToString[code])
		}
	}
	switch m.Rcode {
	case dns.RcodeRefused:
		return blocked, what
	case dns.RcodeSuccess, dns.RcodeNameError:
	default:
		return broken, what
	}
	for _, rr := range m.Ns {
		// answer.Build makes this SOA record, and no real zone has this record.
		if soa, ok := rr.(*dns.SOA); ok && soa.Ns == "." && soa.Mbox == "." && soa.Serial == 1 {
			return blocked, what + " with the SOA record of blocklist"
		}
	}
	if m.Rcode == dns.RcodeNameError || len(m.Answer) == 0 {
		// Resolvers put the SOA record of a response policy zone (RPZ) into the additional section.
		if hasSOA(m.Extra) {
			return blocked, what + " with the SOA record of a response policy zone"
		}
		// A zone's denial has an SOA record (RFC 2308, section 3). Without an SOA record, a filter
		// made the denial.
		if m.Authoritative && m.RecursionAvailable && !hasSOA(m.Ns) {
			return blocked, what + " with the flag AA and without an SOA record, from local data of the server"
		}
		return denied, what
	}
	list := addresses(m)
	for _, a := range list {
		if a.IsUnspecified() || slices.Contains(rules.Pages, a) || v.Blocked() && slices.Contains(v.Response.Addresses, a) {
			return blocked, what
		}
	}
	if len(list) > 0 && !slices.ContainsFunc(list, func(a netip.Addr) bool { return !a.IsLoopback() }) {
		return denied, what + ", an address of the client itself"
	}
	return passed, what
}

// hasSOA reports whether a section has an SOA record.
func hasSOA(section []dns.RR) bool {
	return slices.ContainsFunc(section, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeSOA })
}

// addresses returns the addresses in the answer section.
func addresses(m *dns.Msg) (out []netip.Addr) {
	for _, rr := range m.Answer {
		var a netip.Addr
		switch rr := rr.(type) {
		case *dns.A:
			a, _ = netip.AddrFromSlice(rr.A)
		case *dns.AAAA:
			a, _ = netip.AddrFromSlice(rr.AAAA)
		}
		if a.IsValid() {
			out = append(out, a.Unmap())
		}
	}
	return out
}

const (
	maxShown = 3   // the largest number of records of an answer in a text
	maxData  = 100 // the largest length of the data of a record in a text
)

// describe returns the answer in a few words.
func describe(m *dns.Msg) string {
	if m.Rcode != dns.RcodeSuccess {
		return rcodeText(m.Rcode)
	}
	if len(m.Answer) == 0 {
		return "NOERROR without records"
	}
	var out []string
	for i, rr := range m.Answer {
		if i == maxShown {
			out = append(out, "...")
			break
		}
		data := strings.ReplaceAll(strings.TrimPrefix(rr.String(), rr.Header().String()), "\t", " ")
		out = append(out, dns.Type(rr.Header().Rrtype).String()+" "+printable.Line(printable.Clip(data, maxData)))
	}
	return "NOERROR with " + strings.Join(out, ", ")
}

func rcodeText(code int) string {
	if s, ok := dns.RcodeToString[code]; ok {
		return s
	}
	return fmt.Sprintf("response code %d", code)
}

func judgePass(looks appearance, why string, m *dns.Msg, rules *Rules) (Outcome, string) {
	switch looks {
	case passed:
		return Right, ""
	case blocked:
		return Wrong, "the name is blocked, and no order blocks it: " + why + "; or the name leads to a blocked name"
	case broken:
		return Unclear, why + ": the servers of the name may be broken"
	}
	// This denial comes from the zone of the name. The denials of the plugin are handled above.
	if rules.Exact && hasSOA(m.Ns) {
		return Right, ""
	}
	return Unclear, why + ", which cannot be told apart from a block"
}

func judgeExact(query, m *dns.Msg, v ruleset.Verdict, now time.Time, rules *Rules) (Outcome, string) {
	qtype := query.Question[0].Qtype
	want := answer.Build(query, dns.DefaultMsgSize, v, now, rules.Answer)
	expected := strings.ToUpper(answer.Label(v, qtype))
	same := m.Rcode == want.Rcode && sameAddresses(addresses(m), addresses(want)) && (len(m.Answer) == 0) == (len(want.Answer) == 0)
	if !same {
		if expected == strings.ToUpper(order.Redirect.String()) {
			expected = describe(want)
		}
		return Wrong, fmt.Sprintf("%s, and the order calls for %s", describe(m), expected)
	}
	got, codes := answer.ErrorCodes(m), answer.ErrorCodes(want)
	for _, code := range codes {
		if !slices.Contains(got, code) {
			return Wrong, fmt.Sprintf("%s without the extended error %d (%s)", describe(m), code, dns.ExtendedErrorCodeToString[code])
		}
	}
	for _, code := range got {
		if slices.Contains(blockCodes, code) && !slices.Contains(codes, code) {
			return Wrong, fmt.Sprintf("%s with the extended error %d (%s), which the order does not call for", describe(m), code, dns.ExtendedErrorCodeToString[code])
		}
	}
	if looks, why := inspect(m, v, rules); looks != blocked {
		return Unclear, why + ", which cannot be told apart from a name without data"
	}
	return Right, ""
}

// sameAddresses reports whether two lists have the same addresses.
func sameAddresses(x, y []netip.Addr) bool {
	slices.SortFunc(x, netip.Addr.Compare)
	slices.SortFunc(y, netip.Addr.Compare)
	return slices.Equal(x, y)
}
