package chain

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"testing"

	"github.com/pires/go-proxyproto"
)

// TestProxyProtocol checks that behind proxyproto the address in the PROXY header is the
// client, for scopes and for exemptions.
func TestProxyProtocol(t *testing.T) {
	id := newIdentity(t)
	chain := `
proxyproto {
    allow 127.0.0.1/32
}
tls $DIR/cert.pem $DIR/key.pem
blocklist $DIR/scoped.yaml {
    country IT 198.51.100.0/24 2001:db8:1::/48
    country FR 127.0.0.0/8
}
cache {
    keepttl
}
forward . $UPSTREAM
`
	files := map[string]string{"cert.pem": id.cert, "key.pem": id.key, "scoped.yaml": `version: 1
orders:
- {id: italy, authority: {name: Court}, scope: {countries: [IT]}, exempt: [198.51.100.7], targets: [blocked.example]}
- {id: net, authority: {name: Net}, scope: {clients: [203.0.113.0/24, "2001:db8:2::/48"]}, targets: [blocked.example]}
`}
	const court, net, passes = "NXDOMAIN rd ra; SOA blocked.example. 30; EDE 16 Blocked by order of Court",
		"NXDOMAIN rd ra; SOA blocked.example. 30; EDE 16 Blocked by order of Net",
		"NOERROR rd ra; www.blocked.example. 300 A 192.0.2.66"
	for _, tr := range []struct {
		name, scheme string
		version      byte
		ask          func(s *server, header []byte) []byte
	}{
		// CoreDNS supports version 2 only over UDP, because version 1 is text for TCP.
		{"UDP, version 2", "", 2, func(s *server, header []byte) []byte {
			return sendUDP(s, "", append(header, parseQuery(s.t, blocked.ask).pack(s.t)...))
		}},
		{"TCP, version 1", "", 1, tcpBehind},
		{"TCP, version 2", "", 2, tcpBehind},
		{"DoT, version 2", "tls://", 2, id.tlsBehind},
		{"DoH, version 1", "https://", 1, id.httpBehind},
	} {
		t.Run(tr.name, func(t *testing.T) {
			s := start(t, tr.scheme, "127.0.0.1", []string{chain}, files)
			for _, tc := range []struct{ client, want, count string }{
				{"198.51.100.1", court, "1 nxdomain"},
				{"198.51.100.7", passes, ""}, // exempt
				{"203.0.113.1", net, "1 nxdomain"},
				{"192.0.2.1", passes, ""}, // without a country
				{"2001:db8:1::1", court, "1 nxdomain"},
				{"2001:db8:2::1", net, "1 nxdomain"},
				{"2001:db8:3::1", passes, ""},
				{"::ffff:198.51.100.1", court, "1 nxdomain"},
				{"::ffff:198.51.100.7", passes, ""},
				{"", passes, ""}, // the proxy itself, from France
			} {
				before := counted(t)
				if got := brief(unpack(t, tr.ask(s, header(t, tr.version, tr.name[:3] == "UDP", tc.client)))); got != tc.want {
					t.Errorf("%q\n got %s\nwant %s", tc.client, got, tc.want)
				}
				if got := counted(t).since(before); got != tc.count {
					t.Errorf("%q: counted %q, want %q", tc.client, got, tc.count)
				}
			}
		})
	}

	// The header of an untrusted peer has no effect.
	t.Run("a stranger's header", func(t *testing.T) {
		s := start(t, "", "127.0.0.1", []string{`
proxyproto {
    allow 192.0.2.1/32
}
blocklist $DIR/scoped.yaml
forward . $UPSTREAM`}, map[string]string{"scoped.yaml": `version: 1
orders:
- {id: local, authority: {name: Court}, scope: {clients: [127.0.0.0/8]}, exempt: [198.51.100.7], targets: [blocked.example]}
`})
		packet := append(header(t, 2, true, "198.51.100.7"), parseQuery(t, blocked.ask).pack(t)...)
		if got := brief(unpack(t, sendUDP(s, "", packet))); got != court {
			t.Errorf("over UDP\n got %s\nwant %s", got, court)
		}
		if got := brief(unpack(t, tcpBehind(s, header(t, 2, false, "198.51.100.7")))); got != court {
			t.Errorf("over TCP\n got %s\nwant %s", got, court)
		}
	})
}

// header returns the PROXY header that comes before the client's bytes, or nil for the client
// "".
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
		h.TransportProtocol++ // the value for datagrams follows the value for streams
		h.SourceAddr, h.DestinationAddr = &net.UDPAddr{IP: ip, Port: 4711}, &net.UDPAddr{IP: to, Port: 53}
	}
	out, err := h.Format()
	if err != nil {
		t.Fatalf("%s: %v", client, err)
	}
	return out
}

// dialBehind connects to the server and sends the header.
func dialBehind(s *server, header []byte) net.Conn {
	s.t.Helper()
	c, err := net.Dial("tcp", s.tcp)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := c.Write(header); err != nil {
		s.t.Fatal(err)
	}
	return c
}

func tcpBehind(s *server, header []byte) []byte {
	s.t.Helper()
	c := dialBehind(s, header)
	defer c.Close()
	return overStream(s, c, parseQuery(s.t, blocked.ask))
}

func (id identity) tlsBehind(s *server, header []byte) []byte {
	s.t.Helper()
	conf := id.client("dot")
	conf.ServerName = "127.0.0.1"
	c := tls.Client(dialBehind(s, header), conf)
	defer c.Close()
	return overStream(s, c, parseQuery(s.t, blocked.ask))
}

func (id identity) httpBehind(s *server, header []byte) []byte {
	s.t.Helper()
	rt := &http.Transport{TLSClientConfig: id.client(), ForceAttemptHTTP2: true,
		DialContext: func(context.Context, string, string) (net.Conn, error) { return dialBehind(s, header), nil }}
	defer rt.CloseIdleConnections()
	return overHTTP(s, rt, "HTTP/2.0", s.tcp, blocked.ask)
}

// TestIPv6 sends queries over IPv6, where the address may have a zone.
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

// TestClientSubnet checks that a trusted forwarder may send the subnets of its clients, and
// that the reply contains the subnet for which it is valid. The subnet of an untrusted peer
// has no effect.
func TestClientSubnet(t *testing.T) {
	files := map[string]string{"scoped.yaml": `version: 1
orders:
- {id: italy, authority: {name: Court}, scope: {countries: [IT]}, targets: [blocked.example]}
`}
	with, without := pair(t, "", "127.0.0.1", []string{`
blocklist $DIR/scoped.yaml {
    country IT 198.51.100.0/24 127.0.0.3/32
    home FR
    ecs_from 127.0.0.1/32
}
forward . $UPSTREAM`}, files)
	const denied, passed = "NXDOMAIN rd ra; SOA blocked.example. 30; EDE 16 Blocked by order of Court", "NOERROR rd ra; www.blocked.example. 300 A 192.0.2.66"
	for _, tc := range []struct{ ask, want string }{
		{"www.blocked.example A +subnet=198.51.100.0/24", denied + "; ECS 198.51.100.0/24/24"},
		{"www.blocked.example A +subnet=203.0.113.0/24", passed + "; ECS 203.0.113.0/24/24"},
		{"to-blocked.example A +subnet=198.51.100.0/24", "NOERROR rd ra; SOA to-blocked.example. 30; EDE 16 Blocked by order of Court; ECS 198.51.100.0/24/24"},
		{"www.blocked.example A", passed},
		{"www.blocked.example A +from=127.0.0.2 +subnet=198.51.100.0/24", passed},
		{"www.blocked.example A +from=127.0.0.3 +subnet=0.0.0.0/0", denied},
	} {
		if got := brief(unpack(t, overUDP(with, tc.ask))); got != tc.want {
			t.Errorf("%s\n got %s\nwant %s", tc.ask, got, tc.want)
		}
	}
	for _, q := range passing {
		same(t, with, without, q, overUDP)
	}
}
