package answer

import (
	"math"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/miekg/dns"
)

func TestTimeLeft(t *testing.T) {
	at := time.Unix(1000, 0)
	for _, tc := range []struct {
		until   order.Time
		now     time.Time
		want    uint32
		limited bool
	}{
		{ruleset.Forever, at, maxTTL, false},
		{ruleset.Forever, at.Add(1), maxTTL, false},
		{1010, at, 10, true},
		{1010, at.Add(1), 9, true},
		{1010, at.Add(time.Second - 1), 9, true},
		{1001, at, 1, true},
		{1001, at.Add(1), 0, true},
		{1000, at, 0, true},
		{1000, at.Add(1), 0, true},
		{order.NoTime, at, 0, true},
		{ruleset.Forever - 1, at, maxTTL, true},
		{ruleset.Forever - 1, time.Unix(-1000, 1), maxTTL, true},
		{1000 + math.MaxUint32 + 1, at, maxTTL, true},
	} {
		if got, limited := TimeLeft(tc.until, tc.now); got != tc.want || limited != tc.limited {
			t.Errorf("TimeLeft(%d, %v) = %d, %v, want %d, %v", tc.until, tc.now, got, limited, tc.want, tc.limited)
		}
	}
}

func everyType(ttl uint32) (out []dns.RR) {
	types := []uint16{}
	for typ := range dns.TypeToRR {
		types = append(types, typ)
	}
	slices.Sort(types)
	for _, typ := range types {
		rr := dns.TypeToRR[typ]()
		*rr.Header() = dns.RR_Header{Name: "q.", Rrtype: typ, Class: dns.ClassINET, Ttl: ttl}
		switch rr := rr.(type) {
		case *dns.SOA:
			rr.Minttl, rr.Refresh = ttl, ttl
		case *dns.RRSIG:
			rr.OrigTtl = ttl
		case *dns.SIG:
			rr.OrigTtl = ttl
		}
		out = append(out, rr)
	}
	return append(out, &dns.RFC3597{Hdr: dns.RR_Header{Name: "q.", Rrtype: 65280, Class: dns.ClassINET, Ttl: ttl}, Rdata: "00"})
}

func TestCapTTL(t *testing.T) {
	const ttl = 300
	message := func() *dns.Msg {
		return &dns.Msg{Answer: everyType(ttl), Ns: everyType(ttl), Extra: everyType(ttl)}
	}
	rdata := func(rr dns.RR) string { return strings.TrimPrefix(rr.String(), rr.Header().String()) }
	for _, to := range []uint32{0, 1, 299} {
		m, was := message(), message()
		unchanged(t, m, func() {
			if !ExceedsTTL(m, to) {
				t.Error("300 s do not outlive ", to)
			}
		})
		CapTTL(m, to)
		before := slices.Concat(was.Answer, was.Ns, was.Extra)
		for i, rr := range slices.Concat(m.Answer, m.Ns, m.Extra) {
			h, want := rr.Header(), to
			if h.Rrtype == dns.TypeOPT {
				want = ttl // the field of an OPT contains flags and the version, not a TTL
			}
			if h.Ttl != want {
				t.Errorf("%s: TTL %d, want %d", dns.TypeToString[h.Rrtype], h.Ttl, want)
			}
			h.Ttl = ttl
			if rdata(rr) != rdata(before[i]) || *h != *before[i].Header() {
				t.Errorf("%v: more than the TTL changed, it was %v", rr, before[i])
			}
		}
		CapTTL(m, to)
		if ExceedsTTL(m, to) {
			t.Errorf("outlives %d s after being cut to it", to)
		}
	}
	m := message()
	unchanged(t, m, func() { CapTTL(m, ttl) })
	five := []dns.RR{&dns.A{Hdr: dns.RR_Header{Rrtype: dns.TypeA, Ttl: 5}}}
	for _, m := range []*dns.Msg{{Answer: five}, {Ns: five}, {Extra: five}} {
		if !ExceedsTTL(m, 4) || ExceedsTTL(m, 5) {
			t.Error("5 s outlive 4 s and not 5 s")
		}
	}
	if opt := (&dns.Msg{Extra: []dns.RR{&dns.OPT{Hdr: dns.RR_Header{Rrtype: dns.TypeOPT, Ttl: 1 << 15}}}}); ExceedsTTL(opt, 0) {
		t.Error("the DO bit is no TTL")
	}
}

func TestHasOtherOwners(t *testing.T) {
	for zone, want := range map[string]bool{
		"Q. 1 CNAME a.":                   false,
		"q. 1 CNAME a.\na. 1 A 192.0.2.1": true,
		"q. 1 A 192.0.2.1":                false,
	} {
		m := &dns.Msg{Answer: rrs(t, zone)}
		m.SetEdns0(1232, true)
		if HasOtherOwners(m, "q.") != want {
			t.Errorf("%s: want %v", zone, want)
		}
	}
	for _, zone := range []string{"a. 1 A 192.0.2.1", "q. 1 A 192.0.2.1"} {
		if m := (&dns.Msg{Extra: rrs(t, zone)}); !HasOtherOwners(m, "q.") {
			t.Errorf("%s: the additional section is beyond", zone)
		}
	}
}

func TestEchoSubnet(t *testing.T) {
	cookie := &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0011223344556677"}
	others := &dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 8, SourceScope: 8, Address: net.IP{9, 0, 0, 0}}
	for _, tc := range []struct {
		name   string
		subnet dns.EDNS0_SUBNET
		opt    []dns.EDNS0 // options of the reply; nil means no OPT
		want   string
	}{
		{"IPv4", dns.EDNS0_SUBNET{Family: 1, SourceNetmask: 24, Address: net.IP{192, 0, 2, 0}}, nil, "192.0.2.0/24/24"},
		{"IPv4, 20 bits", dns.EDNS0_SUBNET{Family: 1, SourceNetmask: 20, Address: net.IP{192, 0, 16, 0}}, nil, "192.0.16.0/20/20"},
		{"IPv4, no bits", dns.EDNS0_SUBNET{Family: 1, Address: net.IP{0, 0, 0, 0}}, nil, "0.0.0.0/0/0"},
		{"IPv6", dns.EDNS0_SUBNET{Family: 2, SourceNetmask: 56, Address: net.ParseIP("2001:db8::")}, nil, "[2001:db8::]/56/56"},
		{"no family", dns.EDNS0_SUBNET{}, nil, "0.0.0.0/0/0"},
		{"a scope in the query means nothing", dns.EDNS0_SUBNET{Family: 1, SourceNetmask: 24, SourceScope: 7, Address: net.IP{192, 0, 2, 0}}, nil, "192.0.2.0/24/24"},
		{"instead of upstream's, beside others", dns.EDNS0_SUBNET{Family: 1, SourceNetmask: 24, Address: net.IP{192, 0, 2, 0}},
			[]dns.EDNS0{others, cookie, others}, "0011223344556677 192.0.2.0/24/24"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.subnet.Code = dns.EDNS0SUBNET
			req := new(dns.Msg).SetQuestion("q.", dns.TypeA)
			req.SetEdns0(1400, true)
			req.IsEdns0().Option = []dns.EDNS0{&tc.subnet}
			m := new(dns.Msg).SetReply(req)
			if tc.opt != nil {
				m.SetEdns0(1400, true)
				m.IsEdns0().Option = tc.opt
			}
			before := len(pack(t, m))
			unchanged(t, req, func() { EchoSubnet(m, req.IsEdns0(), &tc.subnet) })
			packed := pack(t, m)
			if room := len(packed) - before; tc.opt == nil && room != SubnetRoom(&tc.subnet)+11 { // the OPT itself adds 11 octets
				t.Errorf("%d octets more, want %d", room, SubnetRoom(&tc.subnet)+11)
			}
			back := new(dns.Msg)
			if err := back.Unpack(packed); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, o := range back.IsEdns0().Option {
				got = append(got, o.String())
			}
			if s := strings.Join(got, " "); s != tc.want {
				t.Errorf("got %s, want %s", s, tc.want)
			}
			if o := back.IsEdns0(); o.UDPSize() != 1400 || !o.Do() {
				t.Errorf("got %v", o)
			}
			unchanged(t, req, func() {
				for _, o := range m.IsEdns0().Option {
					if s, ok := o.(*dns.EDNS0_SUBNET); ok && s != others {
						s.Address = append(s.Address[:0], 1)
						s.SourceNetmask = 1
					}
				}
			})
		})
	}
}
