package blocklist

import (
	"net"
	"net/netip"
	"testing"
	"time"

	_ "github.com/coredns/coredns/plugin/proxyproto"
	"github.com/miekg/dns"
	"github.com/pires/go-proxyproto"
)

// balancers are the ways in which a load balancer passes the client's address. CoreDNS
// supports version 1 over TCP only.
var balancers = []struct {
	network string
	version byte
}{{"tcp", 1}, {"tcp", 2}, {"udp", 2}}

// behind sends a query with a PROXY header from the address of a load balancer. client is the
// address in the header.
func (s *server) behind(network string, version byte, balancer, client string, m *dns.Msg) *dns.Msg {
	s.t.Helper()
	to := s.inst.Servers()[0].LocalAddr().String()
	source := net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(client), 40212))
	h := proxyproto.HeaderProxyFromAddrs(version, source, &net.TCPAddr{IP: source.IP, Port: 53})
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(balancer)}, Timeout: 5 * time.Second}
	if network == "udp" {
		h = proxyproto.HeaderProxyFromAddrs(version, (*net.UDPAddr)(source), &net.UDPAddr{IP: source.IP, Port: 53})
		d.LocalAddr = &net.UDPAddr{IP: net.ParseIP(balancer)}
	} else {
		to = s.inst.Servers()[0].Addr().String()
	}
	head, err := h.Format()
	if err != nil {
		s.t.Fatal(err)
	}
	conn, err := d.Dial(network, to)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	if network == "udp" {
		body, err := m.Pack()
		if err != nil {
			s.t.Fatal(err)
		}
		_, err = conn.Write(append(head, body...))
		if err != nil {
			s.t.Fatal(err)
		}
	} else {
		if _, err := conn.Write(head); err != nil {
			s.t.Fatal(err)
		}
		if err := (&dns.Conn{Conn: conn}).WriteMsg(m); err != nil {
			s.t.Fatal(err)
		}
	}
	reply, err := (&dns.Conn{Conn: conn, UDPSize: dns.MaxMsgSize}).ReadMsg()
	if err != nil {
		s.t.Fatalf("%s version %d, %s for %s: %v", network, version, balancer, client, err)
	}
	return reply
}

// TestProxyProtocol checks that behind a load balancer the address of the client is judged.
// The address of the load balancer is in Italy. IPv6 clients come through the balancer too, so
// the test needs no IPv6 on the machine.
func TestProxyProtocol(t *testing.T) {
	const orders = `version: 1
defaults: {authority: {name: A}}
orders:
- {id: italy, scope: {countries: [IT]}, exempt: [127.0.1.77, "2001:db8:1::77"], targets: [italy.example]}
- {id: network, scope: {clients: [127.0.2.0/24, "2001:db8:2::/64"]}, exempt: [127.0.2.77], targets: [network.example]}
- {id: all, scope: global, exempt: [127.0.2.77, 127.0.1.53], targets: [all.example]}
`
	const balancer, other = "127.0.1.53", "127.0.1.54"
	s := startPlaced(t, orders, `metadata
		geoip $DIR/city.mmdb {
			edns-subnet
		}
		proxyproto {
			allow `+balancer+`/32
		}
		blocklist $DIR/orders.yaml {
			ecs_from 127.0.8.1
		}`)
	type names struct{ italy, network, all bool } // whether each name is blocked
	for _, tc := range []struct {
		client string
		want   names
	}{
		{italian, names{italy: true, all: true}},
		{french, names{network: true, all: true}},
		{unknown, names{all: true}},
		{"127.0.1.77", names{all: true}},
		{"127.0.2.77", names{}},
		{balancer, names{italy: true}}, // the balancer as its own client
		{"2001:db8:1::1", names{italy: true, all: true}},
		{"2001:db8:2::1", names{network: true, all: true}},
		{"2001:db8:2:1::1", names{all: true}},
		{"2001:db8:1::77", names{all: true}},
		{"2001:db8:9::1", names{all: true}},
		{"::ffff:127.0.1.1", names{italy: true, all: true}},
		{"::ffff:127.0.1.77", names{all: true}},
		{"::ffff:127.0.2.1", names{network: true, all: true}},
	} {
		for _, way := range balancers {
			// A client subnet from a client behind the balancer is not trusted either.
			for _, subnet := range []string{"", "0.0.0.0/0", "127.0.2.0/24", "2001:db8:1::/48"} {
				blocked := func(name string) bool {
					q := query(name)
					if subnet != "" {
						q = withSubnet(name, subnet)
					}
					m := s.behind(way.network, way.version, balancer, tc.client, q)
					if subnets(m) != nil {
						t.Errorf("%s: the reply has the subnets %s", tc.client, subnets(m))
					}
					return m.Rcode == dns.RcodeNameError
				}
				if got := (names{blocked("italy.example."), blocked("network.example."), blocked("all.example.")}); got != tc.want {
					t.Errorf("%s, %s version %d, subnet %q: blocked are %+v, want %+v", tc.client, way.network, way.version, subnet, got, tc.want)
				}
			}
		}
	}
	for _, way := range balancers {
		// A peer that is no balancer must not evade the scope by a header.
		for _, client := range []string{french, "2001:db8:2::1", "127.0.1.77"} {
			if m := s.behind(way.network, way.version, other, client, query("italy.example.")); m.Rcode != dns.RcodeNameError {
				t.Errorf("%s, says %s, %s version %d: got %v", other, client, way.network, way.version, m)
			}
		}
		// A trusted forwarder behind the balancer is still trusted.
		for subnet, rcode := range map[string]int{"127.0.1.0/24": dns.RcodeNameError, "127.0.2.0/24": dns.RcodeSuccess} {
			m := s.behind(way.network, way.version, balancer, "127.0.8.1", withSubnet("italy.example.", subnet))
			if m.Rcode != rcode || len(subnets(m)) != 1 {
				t.Errorf("a forwarder for %s: got %v", subnet, m)
			}
		}
	}
	// Without a header the balancer itself is the client.
	if m := s.from(balancer, query("italy.example.")); m.Rcode != dns.RcodeNameError {
		t.Errorf("the balancer itself: got %v", m)
	}
}
