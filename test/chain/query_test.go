package chain

import (
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

const patience = 10 * time.Second // the time limit for one answer on a very busy machine

// A query is a DNS query. Its text has a syntax like that of dig:
//
//	NAME TYPE [+noedns] [+bufsize=N] [+do] [+cd] [+nsid] [+subnet=CIDR] [+class=CLASS] [+opcode=OPCODE] [+from=ADDRESS]
type query struct {
	*dns.Msg
	from string // the source address; empty means any address
}

func parseQuery(t testing.TB, text string) query {
	t.Helper()
	f := strings.Fields(text)
	qtype, ok := dns.StringToType[f[1]]
	if !ok {
		t.Fatalf("%s: no such type", text)
	}
	q := query{Msg: new(dns.Msg).SetQuestion(dns.Fqdn(f[0]), qtype)}
	q.Id = 4711
	q.SetEdns0(1232, false)
	for _, flag := range f[2:] {
		key, value, _ := strings.Cut(flag, "=")
		switch key {
		case "+noedns":
			q.Extra = nil
		case "+bufsize":
			n, err := strconv.ParseUint(value, 10, 16)
			if err != nil {
				t.Fatal(err)
			}
			q.IsEdns0().SetUDPSize(uint16(n))
		case "+do":
			q.IsEdns0().SetDo()
		case "+cd":
			q.CheckingDisabled = true
		case "+nsid":
			q.option(&dns.EDNS0_NSID{Code: dns.EDNS0NSID})
		case "+subnet":
			p := netip.MustParsePrefix(value)
			family := uint16(1)
			if p.Addr().Is6() {
				family = 2
			}
			q.option(&dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: family, SourceNetmask: uint8(p.Bits()), Address: p.Addr().AsSlice()})
		case "+class":
			q.Question[0].Qclass = dns.StringToClass[value]
		case "+opcode":
			q.Opcode = dns.StringToOpcode[value]
		case "+from":
			q.from = value
		default:
			t.Fatalf("%s: no such flag", flag)
		}
	}
	return q
}

func (q query) option(o dns.EDNS0) { q.IsEdns0().Option = append(q.IsEdns0().Option, o) }

func (q query) pack(t testing.TB) []byte {
	t.Helper()
	wire, err := q.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return wire
}

func overUDP(s *server, text string) []byte {
	s.t.Helper()
	q := parseQuery(s.t, text)
	return sendUDP(s, q.from, q.pack(s.t))
}

func sendUDP(s *server, from string, packet []byte) []byte {
	s.t.Helper()
	d := net.Dialer{}
	if from != "" {
		d.LocalAddr = &net.UDPAddr{IP: net.ParseIP(from)}
	}
	c, err := d.Dial("udp", s.udp)
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	if _, err := c.Write(packet); err != nil {
		s.t.Fatal(err)
	}
	reply := make([]byte, dns.MaxMsgSize)
	n, err := c.Read(reply)
	if err != nil {
		s.t.Fatal(err)
	}
	return reply[:n]
}

func overStream(s *server, c net.Conn, q query) []byte {
	s.t.Helper()
	c.SetDeadline(time.Now().Add(patience))
	dc := &dns.Conn{Conn: c}
	if _, err := dc.Write(q.pack(s.t)); err != nil {
		s.t.Fatal(err)
	}
	reply := make([]byte, dns.MaxMsgSize)
	n, err := dc.Read(reply)
	if err != nil {
		s.t.Fatal(err)
	}
	return reply[:n]
}

func unpack(t testing.TB, wire []byte) *dns.Msg {
	t.Helper()
	m := new(dns.Msg)
	if err := m.Unpack(wire); err != nil {
		t.Fatalf("%v in a reply of %d octets", err, len(wire))
	}
	return m
}

func brief(m *dns.Msg) string {
	head := dns.RcodeToString[m.Rcode]
	for _, f := range []struct {
		set  bool
		name string
	}{{m.Authoritative, "aa"}, {m.Truncated, "tc"}, {m.RecursionDesired, "rd"}, {m.RecursionAvailable, "ra"}, {m.AuthenticatedData, "ad"}, {m.CheckingDisabled, "cd"}} {
		if f.set {
			head += " " + f.name
		}
	}
	out := []string{head}
	for _, rr := range m.Answer {
		out = append(out, strings.ReplaceAll(strings.Join(strings.Fields(rr.String()), " "), " IN ", " "))
	}
	for _, rr := range m.Ns {
		out = append(out, fmt.Sprintf("%s %s %d", dns.TypeToString[rr.Header().Rrtype], rr.Header().Name, rr.Header().Ttl))
	}
	o := m.IsEdns0()
	if o == nil {
		return strings.Join(append(out, "no OPT"), "; ")
	}
	if o.Do() {
		out = append(out, "do")
	}
	for _, opt := range o.Option {
		switch opt := opt.(type) {
		case *dns.EDNS0_EDE:
			out = append(out, strings.TrimSpace(fmt.Sprintf("EDE %d %s", opt.InfoCode, opt.ExtraText)))
		case *dns.EDNS0_NSID:
			id, _ := hex.DecodeString(opt.Nsid)
			out = append(out, "NSID "+string(id))
		case *dns.EDNS0_SUBNET:
			out = append(out, fmt.Sprintf("ECS %s/%d/%d", opt.Address, opt.SourceNetmask, opt.SourceScope))
		default:
			out = append(out, fmt.Sprintf("option %d", opt.Option()))
		}
	}
	return strings.Join(out, "; ")
}
