// Package upstream has a DNS server for tests. The server answers like a resolver.
package upstream

import (
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

// A Resolver is a DNS server that answers like a resolver. Its records can be from several zones.
type Resolver struct {
	// Addr is the address for UDP and TCP.
	Addr    string
	records map[string][]dns.RR // the keys are owners in lower case
	rcodes  map[string]int
	silent  map[string]bool // names without an answer
	large   map[string]bool // names whose answers over UDP are truncated
	errors  map[string]uint16

	mu      sync.Mutex
	queries []string
}

// Start starts a DNS server with the given records. Special lines change the answers for NAME:
//   - "! RCODE NAME": the RCODE of the answers.
//   - "! DROP NAME": no answer.
//   - "! TC NAME": the answers need TCP.
//   - "! EDE CODE NAME": NXDOMAIN with an extended error.
func Start(t testing.TB, text string) *Resolver {
	t.Helper()
	u := &Resolver{records: map[string][]dns.RR{}, rcodes: map[string]int{}, silent: map[string]bool{}, large: map[string]bool{}, errors: map[string]uint16{}}
	var zone strings.Builder
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) > 2 && f[0] == "!" {
			u.special(t, f[1:])
			continue
		}
		zone.WriteString(line)
	}
	parser := dns.NewZoneParser(strings.NewReader(zone.String()), ".", "upstream")
	parser.SetDefaultTTL(300)
	for rr, ok := parser.Next(); ok; rr, ok = parser.Next() {
		owner := dns.CanonicalName(rr.Header().Name)
		u.records[owner] = append(u.records[owner], rr)
	}
	if err := parser.Err(); err != nil {
		t.Fatal(err)
	}
	streams, packets := listenBoth(t)
	u.Addr = packets.LocalAddr().String()
	for _, srv := range []*dns.Server{{PacketConn: packets, Handler: u}, {Listener: streams, Handler: u}} {
		started := make(chan bool)
		srv.NotifyStartedFunc = func() { close(started) }
		go srv.ActivateAndServe()
		<-started
		t.Cleanup(func() { srv.Shutdown() })
	}
	return u
}

func (u *Resolver) special(t testing.TB, words []string) {
	t.Helper()
	name := dns.CanonicalName(words[len(words)-1])
	rcode, known := dns.StringToRcode[words[0]]
	switch {
	case words[0] == "DROP":
		u.silent[name] = true
	case words[0] == "TC":
		u.large[name] = true
	case words[0] == "EDE" && len(words) == 3:
		code, err := strconv.ParseUint(words[1], 10, 16)
		if err != nil {
			t.Fatal(err)
		}
		u.errors[name], u.rcodes[name] = uint16(code), dns.RcodeNameError
	case known:
		u.rcodes[name] = rcode
	default:
		t.Fatalf("unknown word in the line ! %s", strings.Join(words, " "))
	}
}

// Queries returns all queries in sorted order. Each query has the form "NAME TYPE".
func (u *Resolver) Queries() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Sorted(slices.Values(u.queries))
}

func listenBoth(t testing.TB) (net.Listener, net.PacketConn) {
	t.Helper()
	var refused error
	for range 100 {
		streams, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		packets, err := net.ListenPacket("udp", streams.Addr().String())
		if err == nil {
			return streams, packets
		}
		streams.Close()
		refused = err
	}
	t.Fatal(refused)
	return nil, nil
}

// ServeDNS implements dns.Handler.
func (u *Resolver) ServeDNS(w dns.ResponseWriter, r *dns.Msg) {
	name := dns.CanonicalName(r.Question[0].Name)
	u.mu.Lock()
	u.queries = append(u.queries, name+" "+dns.TypeToString[r.Question[0].Qtype])
	u.mu.Unlock()
	if u.silent[name] {
		return
	}
	m := u.answer(r)
	if w.RemoteAddr().Network() == "udp" && u.large[name] {
		m.Answer, m.Truncated = nil, true
	}
	w.WriteMsg(m)
}

func (u *Resolver) answer(r *dns.Msg) *dns.Msg {
	m := new(dns.Msg).SetReply(r)
	m.RecursionAvailable = true
	q := r.Question[0]
	do := false
	if o := r.IsEdns0(); o != nil {
		do = o.Do()
		m.SetEdns0(1232, do)
	}
	if rcode, ok := u.rcodes[dns.CanonicalName(q.Name)]; ok {
		m.Rcode = rcode
		if code, ok := u.errors[dns.CanonicalName(q.Name)]; ok && m.IsEdns0() != nil {
			m.IsEdns0().Option = append(m.IsEdns0().Option, &dns.EDNS0_EDE{InfoCode: code})
		}
		return m
	}
	name := q.Name
	for range 8 { // the maximum length of a CNAME chain
		here, exists := u.at(name)
		if rrs := ofType(here, q.Qtype, do); len(rrs) > 0 {
			m.Answer = append(m.Answer, rrs...)
			u.addTargets(m, rrs)
			return m
		}
		if alias := ofType(here, dns.TypeCNAME, do); len(alias) > 0 {
			m.Answer = append(m.Answer, alias...)
			name = alias[0].(*dns.CNAME).Target
			continue
		}
		if d := u.dname(name); d != nil {
			target := strings.TrimSuffix(name, d.Hdr.Name) + d.Target
			m.Answer = append(m.Answer, d, &dns.CNAME{
				Hdr:    dns.RR_Header{Name: name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: d.Hdr.Ttl},
				Target: target,
			})
			name = target
			continue
		}
		if !exists {
			m.Rcode = dns.RcodeNameError
		}
		m.Ns = []dns.RR{u.soa(name)}
		return m
	}
	m.Rcode = dns.RcodeServerFailure
	return m
}

func (u *Resolver) at(name string) (rrs []dns.RR, exists bool) {
	canonical := dns.CanonicalName(name)
	if rrs, ok := u.records[canonical]; ok {
		return rrs, true
	}
	for owner := range u.records {
		if dns.IsSubDomain(canonical, owner) {
			exists = true // a name without records exists when there is a name below it
		}
	}
	if exists {
		return nil, true
	}
	for i, end := 0, false; !end; {
		i, end = dns.NextLabel(canonical, i)
		parent := "*." + canonical[i:]
		if end {
			parent = "*."
		}
		if wild, ok := u.records[parent]; ok {
			for _, rr := range wild {
				rr = dns.Copy(rr)
				rr.Header().Name = name
				rrs = append(rrs, rr)
			}
			return rrs, true
		}
	}
	return nil, false
}

func ofType(rrs []dns.RR, qtype uint16, do bool) (out []dns.RR) {
	for _, rr := range rrs {
		sig, isSig := rr.(*dns.RRSIG)
		if rr.Header().Rrtype == qtype || qtype == dns.TypeANY || do && isSig && sig.TypeCovered == qtype {
			out = append(out, rr)
		}
	}
	return out
}

func (u *Resolver) dname(name string) *dns.DNAME {
	for i, end := dns.NextLabel(name, 0); !end; i, end = dns.NextLabel(name, i) {
		for _, rr := range u.records[dns.CanonicalName(name[i:])] {
			if d, ok := rr.(*dns.DNAME); ok {
				return d
			}
		}
	}
	return nil
}

func (u *Resolver) addTargets(m *dns.Msg, rrs []dns.RR) {
	for _, rr := range rrs {
		target := ""
		switch rr := rr.(type) {
		case *dns.MX:
			target = rr.Mx
		case *dns.SRV:
			target = rr.Target
		case *dns.SVCB:
			target = rr.Target
		case *dns.HTTPS:
			target = rr.Target
		}
		for _, rr := range u.records[dns.CanonicalName(target)] {
			if t := rr.Header().Rrtype; t == dns.TypeA || t == dns.TypeAAAA {
				m.Extra = append([]dns.RR{rr}, m.Extra...)
			}
		}
	}
}

func (u *Resolver) soa(name string) dns.RR {
	for i, end := 0, false; !end; i, end = dns.NextLabel(name, i) {
		for _, rr := range u.records[dns.CanonicalName(name[i:])] {
			if soa, ok := rr.(*dns.SOA); ok {
				return soa
			}
		}
	}
	rr, err := dns.NewRR(". 900 IN SOA ns.root.example. hostmaster.root.example. 1 1800 900 604800 900")
	if err != nil {
		panic(err)
	}
	return rr
}
