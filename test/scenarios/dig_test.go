package scenarios

import (
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// A question is a parsed command line of dig.
type question struct {
	msg    *dns.Msg
	client dns.Client
	show   map[string]bool // the sections to print, and "short"
}

func (s *scenario) dig(args []string) string {
	s.t.Helper()
	if s.inst == nil {
		s.t.Fatal("dig: no server runs")
	}
	q := s.question(args)
	addr := s.inst.Servers()[0].LocalAddr().String()
	if q.client.Net == "tcp" {
		addr = s.inst.Servers()[0].Addr().String()
	}
	m, _, err := q.client.Exchange(q.msg, addr)
	if err != nil {
		s.t.Fatalf("dig %s: %v", strings.Join(args, " "), err)
	}
	s.calm()
	if q.show["short"] {
		return short(m)
	}
	return long(m, q.show)
}

func (s *scenario) question(args []string) question {
	q := question{
		msg:    new(dns.Msg),
		client: dns.Client{Net: "udp", Timeout: 10 * time.Second},
		show:   map[string]bool{"comments": true, "question": false, "answer": true, "authority": true, "additional": true, "short": false},
	}
	bad := func(arg string) { s.t.Fatalf("dig %s: cannot read %s", strings.Join(args, " "), arg) }
	name, qtype, class := "", dns.TypeA, uint16(dns.ClassINET)
	size, do := uint16(1232), false
	var options []dns.EDNS0
	q.msg.RecursionDesired, q.msg.AuthenticatedData = true, true // dig sets both flags
	local := netip.MustParseAddr("127.0.0.1")
	for i := 0; i < len(args); i++ {
		arg := args[i]
		option, value, _ := strings.Cut(arg, "=")
		section, no := strings.CutPrefix(strings.TrimPrefix(option, "+"), "no")
		switch {
		case arg == "-b":
			i++
			local = netip.MustParseAddr(args[i])
		case arg == "-c":
			i++
			class = dns.StringToClass[args[i]]
		case arg == "+tcp":
			q.client.Net = "tcp"
		case arg == "+noedns":
			size = 0
		case arg == "+dnssec":
			do = true
		case arg == "+cdflag":
			q.msg.CheckingDisabled = true
		case arg == "+norecurse":
			q.msg.RecursionDesired = false
		case option == "+bufsize":
			n, err := strconv.ParseUint(value, 10, 16)
			if err != nil {
				bad(arg)
			}
			size = uint16(n)
		case option == "+opcode":
			op, ok := dns.StringToOpcode[value]
			if !ok {
				bad(arg)
			}
			q.msg.Opcode = op
		case option == "+subnet":
			options = append(options, subnet(netip.MustParsePrefix(value)))
		case option == "+ednsopt":
			code, data, _ := strings.Cut(value, ":")
			n, err := strconv.ParseUint(code, 10, 16)
			raw, err2 := hex.DecodeString(data)
			if err != nil || err2 != nil {
				bad(arg)
			}
			options = append(options, &dns.EDNS0_LOCAL{Code: uint16(n), Data: raw})
		case section == "all":
			for k := range q.show {
				q.show[k] = !no && k != "short"
			}
		case option[0] == '+':
			if _, ok := q.show[section]; !ok {
				bad(arg)
			}
			q.show[section] = !no
		case name == "":
			name = dns.Fqdn(arg)
		case dns.StringToType[arg] != 0:
			qtype = dns.StringToType[arg]
		case strings.HasPrefix(arg, "TYPE"):
			n, err := strconv.ParseUint(arg[4:], 10, 16)
			if err != nil {
				bad(arg)
			}
			qtype = uint16(n)
		default:
			bad(arg)
		}
	}
	q.msg.Id = dns.Id()
	q.msg.Question = []dns.Question{{Name: name, Qtype: qtype, Qclass: class}}
	if size > 0 {
		q.msg.SetEdns0(size, do)
		q.msg.IsEdns0().Option = options
	}
	q.client.Dialer = &net.Dialer{LocalAddr: &net.UDPAddr{IP: local.AsSlice()}}
	if q.client.Net == "tcp" {
		q.client.Dialer.LocalAddr = &net.TCPAddr{IP: local.AsSlice()}
	}
	return q
}

func subnet(p netip.Prefix) *dns.EDNS0_SUBNET {
	family := uint16(1)
	if p.Addr().Is6() {
		family = 2
	}
	return &dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: family, SourceNetmask: uint8(p.Bits()), Address: p.Addr().AsSlice()}
}

// short returns the output of dig +short.
func short(m *dns.Msg) string {
	var b strings.Builder
	for _, rr := range m.Answer {
		fmt.Fprintln(&b, strings.TrimPrefix(rr.String(), rr.Header().String()))
	}
	return b.String()
}

// long returns the output of dig without +short.
func long(m *dns.Msg, show map[string]bool) string {
	var b strings.Builder
	if show["comments"] {
		fmt.Fprintf(&b, ";; ->>HEADER<<- opcode: %s, status: %s\n", dns.OpcodeToString[m.Opcode], dns.RcodeToString[m.Rcode])
		fmt.Fprintf(&b, ";; flags:%s; QUERY: %d, ANSWER: %d, AUTHORITY: %d, ADDITIONAL: %d\n",
			flags(m), len(m.Question), len(m.Answer), len(m.Ns), len(m.Extra))
		if o := m.IsEdns0(); o != nil {
			pseudosection(&b, o)
		}
	}
	if show["question"] && len(m.Question) > 0 {
		b.WriteString(";; QUESTION SECTION:\n")
		for _, q := range m.Question {
			fmt.Fprintf(&b, ";%s %s %s\n", q.Name, dns.ClassToString[q.Qclass], dns.Type(q.Qtype))
		}
	}
	records := func(section string, rrs []dns.RR) {
		var lines []string
		for _, rr := range rrs {
			if rr.Header().Rrtype != dns.TypeOPT {
				lines = append(lines, strings.Join(strings.Fields(rr.String()), " "))
			}
		}
		if show[section] && len(lines) > 0 {
			fmt.Fprintf(&b, ";; %s SECTION:\n%s\n", strings.ToUpper(section), strings.Join(lines, "\n"))
		}
	}
	records("answer", m.Answer)
	records("authority", m.Ns)
	records("additional", m.Extra)
	return b.String()
}

func flags(m *dns.Msg) (out string) {
	for _, f := range []struct {
		set  bool
		name string
	}{
		{m.Response, "qr"}, {m.Authoritative, "aa"}, {m.Truncated, "tc"}, {m.RecursionDesired, "rd"},
		{m.RecursionAvailable, "ra"}, {m.AuthenticatedData, "ad"}, {m.CheckingDisabled, "cd"},
	} {
		if f.set {
			out += " " + f.name
		}
	}
	return out
}

func pseudosection(b *strings.Builder, o *dns.OPT) {
	do := ""
	if o.Do() {
		do = " do"
	}
	fmt.Fprintf(b, ";; OPT PSEUDOSECTION:\n; EDNS: version: %d, flags:%s; udp: %d\n", o.Version(), do, o.UDPSize())
	for _, opt := range o.Option {
		switch e := opt.(type) {
		case *dns.EDNS0_EDE:
			fmt.Fprintf(b, "; EDE: %d (%s)", e.InfoCode, dns.ExtendedErrorCodeToString[e.InfoCode])
			if e.ExtraText != "" {
				fmt.Fprintf(b, ": (%s)", e.ExtraText)
			}
			b.WriteString("\n")
		case *dns.EDNS0_SUBNET:
			fmt.Fprintf(b, "; CLIENT-SUBNET: %s/%d/%d\n", e.Address, e.SourceNetmask, e.SourceScope)
		default:
			fmt.Fprintf(b, "; OPT=%d: %s\n", opt.Option(), opt)
		}
	}
}
