package chain

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/pires/go-proxyproto"
)

const (
	balancer  = "127.0.1.53"
	stranger  = "127.0.1.54" // a peer that is not a load balancer
	forwarder = "127.0.8.1"  // a forwarder that the server trusts to send client subnets
)

func TestProxyProtocol(t *testing.T) {
	id := newIdentity(t)
	geo := t.TempDir()
	geoDB(t, geo)
	chain := `
metadata
geoip ` + geo + `/city.mmdb {
    edns-subnet
}
proxyproto {
    allow ` + balancer + `/32
}
tls $DIR/cert.pem $DIR/key.pem
blocklist $DIR/scoped.yaml {
    country IT 198.51.100.0/24 2001:db8:51::/48
    ecs_from ` + forwarder + `
}
cache {
    keepttl
}
forward . $UPSTREAM
`
	files := map[string]string{"cert.pem": id.cert, "key.pem": id.key, "scoped.yaml": `version: 1
orders:
- {id: italy, authority: {name: Court}, scope: {countries: [IT]}, exempt: [127.0.1.77, 198.51.100.7, "2001:db8:1::77"], targets: [blocked.example]}
- {id: net, authority: {name: Net}, scope: {clients: [127.0.2.0/24, "2001:db8:2::/64"]}, exempt: [127.0.2.77], targets: [blocked.example, exact.example]}
- {id: all, authority: {name: All}, scope: global, exempt: [127.0.2.77, ` + balancer + `], targets: [nodata.example]}
`}
	const court, net, passes = "NXDOMAIN rd ra; SOA blocked.example. 30; EDE 16 Blocked by order of Court",
		"NXDOMAIN rd ra; SOA blocked.example. 30; EDE 16 Blocked by order of Net",
		"NOERROR rd ra; www.blocked.example. 300 A 192.0.2.66"
	type names struct { // the answer for www.blocked.example, and whether exact.example and nodata.example are blocked
		blocked    string
		exact, all bool
	}
	for _, tr := range []struct {
		name, scheme string
		version      byte
		ask          func(s *server, peer string, header []byte, text string) []byte
	}{
		// CoreDNS supports only version 2 over UDP.
		{"UDP, version 2", "", 2, udpBehind},
		{"TCP, version 1", "", 1, tcpBehind},
		{"TCP, version 2", "", 2, tcpBehind},
		{"DoT, version 2", "tls://", 2, id.tlsBehind},
		{"DoH, version 1", "https://", 1, id.httpBehind},
	} {
		t.Run(tr.name, func(t *testing.T) {
			s := start(t, tr.scheme, "127.0.0.1", []string{chain}, files)
			ask := func(peer, client, text string) string {
				return brief(unpack(t, tr.ask(s, peer, header(t, tr.version, tr.name[:3] == "UDP", client), text)))
			}
			for _, tc := range []struct {
				client string
				want   names
			}{
				{italian, names{court, false, true}},
				{french, names{net, true, true}},
				{unknown, names{passes, false, true}},
				{"127.0.1.77", names{passes, false, true}},  // this client is exempt
				{"127.0.2.77", names{passes, false, false}}, // this client is exempt
				{balancer, names{court, false, false}},      // the header gives the load balancer itself as the client
				{"198.51.100.1", names{court, false, true}},
				{"198.51.100.7", names{passes, false, true}}, // this client is exempt
				{"192.0.2.1", names{passes, false, true}},    // this client has no country
				{"2001:db8:1::1", names{court, false, true}},
				{"2001:db8:51::1", names{court, false, true}},
				{"2001:db8:2::1", names{net, true, true}},
				{"2001:db8:2:1::1", names{passes, false, true}},
				{"2001:db8:1::77", names{passes, false, true}}, // this client is exempt
				{"2001:db8:9::1", names{passes, false, true}},
				{"::ffff:127.0.1.1", names{court, false, true}},
				{"::ffff:127.0.1.77", names{passes, false, true}},
				{"::ffff:127.0.2.1", names{net, true, true}},
				{"::ffff:198.51.100.1", names{court, false, true}},
				{"::ffff:198.51.100.7", names{passes, false, true}},
				{"", names{court, false, false}}, // without a header, the load balancer is the client
			} {
				before := counted(t)
				if got := ask(balancer, tc.client, blocked.ask); got != tc.want.blocked {
					t.Errorf("%q\n got %s\nwant %s", tc.client, got, tc.want.blocked)
				}
				count := "1 nxdomain"
				if tc.want.blocked == passes {
					count = ""
				}
				if got := counted(t).since(before); got != count {
					t.Errorf("%q: counted %q, want %q", tc.client, got, count)
				}
				// The server must not trust the subnet of a client behind the load balancer.
				for _, subnet := range []string{"", " +subnet=0.0.0.0/0", " +subnet=127.0.2.0/24", " +subnet=2001:db8:1::/48"} {
					got := names{ask(balancer, tc.client, blocked.ask+subnet),
						strings.HasPrefix(ask(balancer, tc.client, "exact.example A"+subnet), "NXDOMAIN"),
						strings.HasPrefix(ask(balancer, tc.client, "nodata.example A"+subnet), "NXDOMAIN")}
					if got != tc.want {
						t.Errorf("%q%s\n got %v\nwant %v", tc.client, subnet, got, tc.want)
					}
				}
			}
			for subnet, want := range map[string]string{"127.0.1.0/24": court, "127.0.2.0/24": passes} {
				if got := ask(balancer, forwarder, blocked.ask+" +subnet="+subnet); got != want+scope(t, subnet) {
					t.Errorf("a forwarder for %s\n got %s\nwant %s", subnet, got, want+scope(t, subnet))
				}
			}
			// A sender that is not a load balancer must gain nothing by a PROXY header.
			if tr.scheme == "" {
				for _, client := range []string{french, "2001:db8:2::1", "127.0.1.77"} {
					if got := ask(stranger, client, blocked.ask); got != court {
						t.Errorf("a stranger as %s\n got %s\nwant %s", client, got, court)
					}
				}
			}
		})
	}
}

func header(t *testing.T, version byte, udp bool, client string) []byte {
	t.Helper()
	if client == "" {
		return nil
	}
	ip := net.ParseIP(client)
	to := net.ParseIP("192.0.2.53")
	mapped := ip.To4() != nil && len(client) > len("255.255.255.255")
	if ip.To4() == nil || mapped {
		to = net.ParseIP("2001:db8::53")
	}
	h := proxyproto.HeaderProxyFromAddrs(version, &net.TCPAddr{IP: ip, Port: 4711}, &net.TCPAddr{IP: to, Port: 53})
	if mapped {
		h.TransportProtocol = proxyproto.TCPv6
	}
	if udp {
		h.TransportProtocol++ // the value for datagrams is one more than the value for streams
		h.SourceAddr, h.DestinationAddr = &net.UDPAddr{IP: ip, Port: 4711}, &net.UDPAddr{IP: to, Port: 53}
	}
	out, err := h.Format()
	if err != nil {
		t.Fatalf("%s: %v", client, err)
	}
	return out
}

func dialBehind(s *server, peer string, header []byte) net.Conn {
	s.t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(peer)}}
	c, err := d.Dial("tcp", s.tcp)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := c.Write(header); err != nil {
		s.t.Fatal(err)
	}
	return c
}

func udpBehind(s *server, peer string, header []byte, text string) []byte {
	s.t.Helper()
	return sendUDP(s, peer, append(header, parseQuery(s.t, text).pack(s.t)...))
}

func tcpBehind(s *server, peer string, header []byte, text string) []byte {
	s.t.Helper()
	c := dialBehind(s, peer, header)
	defer c.Close()
	return overStream(s, c, parseQuery(s.t, text))
}

func (id identity) tlsBehind(s *server, peer string, header []byte, text string) []byte {
	s.t.Helper()
	conf := id.client("dot")
	conf.ServerName = "127.0.0.1"
	c := tls.Client(dialBehind(s, peer, header), conf)
	defer c.Close()
	return overStream(s, c, parseQuery(s.t, text))
}

func (id identity) httpBehind(s *server, peer string, header []byte, text string) []byte {
	s.t.Helper()
	rt := &http.Transport{TLSClientConfig: id.client(), ForceAttemptHTTP2: true,
		DialContext: func(context.Context, string, string) (net.Conn, error) { return dialBehind(s, peer, header), nil }}
	defer rt.CloseIdleConnections()
	return overHTTP(s, rt, "HTTP/2.0", s.tcp, text)
}

// TestIPv6 sends queries over IPv6.
func TestIPv6(t *testing.T) {
	files := map[string]string{"scoped.yaml": `version: 1
orders:
- {id: here, authority: {name: Court}, scope: {clients: ["::1/128"]}, targets: [blocked.example]}
- {id: spared, authority: {name: Court}, scope: global, exempt: ["::1"], targets: [page.example]}
- {id: elsewhere, authority: {name: Court}, scope: {clients: [127.0.0.0/8, "2001:db8::/32"]}, targets: [only.example]}
`}
	with, without := pair(t, "", "::1", []string{`
blocklist $DIR/scoped.yaml
cache {
    keepttl
}
forward . $UPSTREAM`}, files)
	for _, ask := range []func(*server, string) []byte{overUDP, overTCP} {
		if got, want := brief(unpack(t, ask(with, blocked.ask))), "NXDOMAIN rd ra; SOA blocked.example. 30; EDE 16 Blocked by order of Court"; got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
		for _, q := range append([]string{"page.example A", "only.example A"}, passing...) {
			same(t, with, without, q, ask)
		}
	}
}
