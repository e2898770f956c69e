package audit

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/dns-orders/blocklist/plugin/answer"
	"github.com/dns-orders/blocklist/plugin/dnsclient"
	"github.com/miekg/dns"
)

// Facts are the records that a resolver has for a name and its domain.
type Facts struct {
	Domain      string   `json:"domain"` // the registrable domain
	NameServers []string `json:"name_servers,omitempty"`
	// SOA has the primary server and the mailbox of the zone.
	SOA string `json:"soa,omitempty"`
	// Alias is the last name in the chain of aliases.
	Alias     string   `json:"alias,omitempty"`
	Addresses []string `json:"addresses,omitempty"`

	gone    bool   // the domain does not exist
	noName  bool   // the domain exists, and the name does not
	www     bool   // the alias and the addresses are those of www below the name
	blocked string // why the answer is a block of the resolver
	problem string // why the facts are not complete
	silent  bool   // the resolver did not answer
}

// A reply is an answer of the resolver.
type reply struct {
	name    string
	m       *dns.Msg
	problem string // why there is no answer
	blocked string
	silent  bool
}

func ask(ctx context.Context, q dnsclient.Exchanger, name string, qtype uint16, redirects []netip.Addr) *reply {
	r := &reply{name: name}
	query := new(dns.Msg).SetQuestion(name, qtype)
	query.SetEdns0(1232, false)
	m, err := q.Exchange(ctx, query)
	if err != nil {
		r.silent = true
		switch what := bare(name) + " " + dns.TypeToString[qtype]; {
		case ctx.Err() != nil:
			r.problem = notAsked
		case errors.Is(err, dnsclient.ErrTimeout):
			r.problem = "no answer in time for " + what
		default:
			r.problem = fmt.Sprintf("no answer for %s: %v", what, err)
		}
		return r
	}
	r.m = m
	if r.blocked = blocks(m, redirects); r.blocked == "" && m.Rcode != dns.RcodeSuccess && m.Rcode != dns.RcodeNameError {
		r.problem = fmt.Sprintf("%s for %s %s", dns.RcodeToString[m.Rcode], bare(name), dns.TypeToString[qtype])
	}
	return r
}

const notAsked = "not asked, because the audit ended early"

func blocks(m *dns.Msg, redirects []netip.Addr) string {
	for _, code := range answer.ErrorCodes(m) {
		switch code {
		case dns.ExtendedErrorCodeForgedAnswer, dns.ExtendedErrorCodeBlocked, dns.ExtendedErrorCodeCensored, dns.ExtendedErrorCodeFiltered:
			return fmt.Sprintf("the answer has the extended error %d (%s)", code, dns.ExtendedErrorCodeToString[code])
		}
	}
	for _, rr := range m.Extra {
		if rr.Header().Rrtype == dns.TypeSOA {
			return "the answer has the SOA record of a response policy zone"
		}
	}
	for _, rr := range m.Ns {
		soa, ok := rr.(*dns.SOA)
		switch {
		case !ok:
		case soa.Ns == "." && soa.Mbox == ".":
			return "the SOA record of the answer is forged, because it names no server"
		case m.Rcode == dns.RcodeNameError && strings.EqualFold(soa.Hdr.Name, m.Question[0].Name):
			return "the SOA record denies its own name"
		}
	}
	for _, rr := range m.Answer {
		a, ok := address(rr)
		switch {
		case !ok:
		case slices.Contains(redirects, a):
			return fmt.Sprintf("the address %s is the redirect of an order", a)
		case a.IsUnspecified() || a.IsLoopback():
			return fmt.Sprintf("the address %s can be a block", a)
		}
	}
	return ""
}

func address(rr dns.RR) (netip.Addr, bool) {
	switch rr := rr.(type) {
	case *dns.A:
		a, ok := netip.AddrFromSlice(rr.A)
		return a.Unmap(), ok
	case *dns.AAAA:
		return netip.AddrFromSlice(rr.AAAA)
	}
	return netip.Addr{}, false
}

// Without the SOA record of a zone above, a denial proves nothing.
func (r *reply) denies() bool {
	if r.m == nil || r.m.Rcode != dns.RcodeNameError || len(r.m.Answer) > 0 {
		return false
	}
	for _, rr := range r.m.Ns {
		if soa, ok := rr.(*dns.SOA); ok && dns.IsSubDomain(soa.Hdr.Name, r.name) && !strings.EqualFold(soa.Hdr.Name, r.name) {
			return true
		}
	}
	return false
}

func (f *Facts) add(r *reply) {
	if f.blocked == "" {
		f.blocked = r.blocked
	}
	if f.problem == "" {
		f.problem, f.silent = r.problem, r.silent
	}
}

// askDomain asks about a registrable domain.
func askDomain(ctx context.Context, q dnsclient.Exchanger, domain string) *Facts {
	f := &Facts{Domain: domain}
	soa := ask(ctx, q, domain+".", dns.TypeSOA, nil)
	f.add(soa)
	if f.blocked != "" || f.problem != "" {
		return f
	}
	ns := ask(ctx, q, domain+".", dns.TypeNS, nil)
	f.add(ns)
	if f.blocked != "" || f.problem != "" {
		return f
	}
	for _, rr := range slices.Concat(soa.m.Answer, soa.m.Ns) {
		if x, ok := rr.(*dns.SOA); ok && dns.IsSubDomain(x.Hdr.Name, domain+".") {
			f.SOA = bare(x.Ns) + " " + bare(x.Mbox)
		}
	}
	for _, rr := range ns.m.Answer {
		if x, ok := rr.(*dns.NS); ok && strings.EqualFold(x.Hdr.Name, domain+".") {
			f.NameServers = append(f.NameServers, bare(x.Ns))
		}
	}
	slices.Sort(f.NameServers)
	f.NameServers = slices.Compact(f.NameServers)
	switch {
	case soa.m.Rcode != dns.RcodeNameError && ns.m.Rcode != dns.RcodeNameError:
	case soa.denies() && ns.denies():
		f.gone, f.SOA = true, ""
	case soa.m.Rcode != ns.m.Rcode:
		f.problem = fmt.Sprintf("the answers for %s SOA and NS contradict each other", domain)
	default:
		f.problem = fmt.Sprintf("NXDOMAIN for %s without the SOA record of a zone above", domain)
	}
	return f
}

func askHost(ctx context.Context, q dnsclient.Exchanger, domain *Facts, host string, www bool, redirects []netip.Addr) *Facts {
	f := *domain
	if f.gone || f.blocked != "" || f.problem != "" {
		return &f
	}
	exists := f.askAddresses(ctx, q, host, redirects)
	f.noName = !exists
	if www && len(f.Addresses) == 0 && f.blocked == "" && f.problem == "" {
		f.askAddresses(ctx, q, "www."+host, redirects)
		f.www = len(f.Addresses) > 0
	}
	return &f
}

func (f *Facts) askAddresses(ctx context.Context, q dnsclient.Exchanger, host string, redirects []netip.Addr) (exists bool) {
	replies := []*reply{ask(ctx, q, host+".", dns.TypeA, redirects), ask(ctx, q, host+".", dns.TypeAAAA, redirects)}
	for _, r := range replies {
		if r.blocked != "" {
			f.add(r)
			return true
		}
		if r.m == nil || r.problem != "" {
			continue
		}
		exists = exists || r.m.Rcode == dns.RcodeSuccess
		end := follow(r.m, host+".")
		if end != host+"." {
			f.Alias = bare(end)
		}
		for _, rr := range r.m.Answer {
			if a, ok := address(rr); ok && strings.EqualFold(rr.Header().Name, end) {
				f.Addresses = append(f.Addresses, a.String())
			}
		}
	}
	slices.Sort(f.Addresses)
	f.Addresses = slices.Compact(f.Addresses)
	if len(f.Addresses) == 0 {
		for _, r := range replies {
			f.add(r)
		}
	}
	return exists
}

func follow(m *dns.Msg, name string) string {
	for range len(m.Answer) {
		next := ""
		for _, rr := range m.Answer {
			if c, ok := rr.(*dns.CNAME); ok && strings.EqualFold(c.Hdr.Name, name) {
				next = c.Target
			}
		}
		if next == "" {
			break
		}
		name = next
	}
	return name
}

func bare(name string) string { return strings.TrimSuffix(strings.ToLower(name), ".") }
