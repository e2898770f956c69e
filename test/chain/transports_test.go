package chain

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coredns/coredns/pb"
	"github.com/miekg/dns"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

type identity struct {
	cert, key string // in PEM format
	trust     *x509.CertPool
}

func newIdentity(t *testing.T) identity {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	id := identity{trust: x509.NewCertPool()}
	id.cert = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}))
	id.key = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	id.trust.AppendCertsFromPEM([]byte(id.cert))
	return id
}

func (id identity) client(protocols ...string) *tls.Config {
	return &tls.Config{RootCAs: id.trust, NextProtos: protocols}
}

func overTCP(s *server, text string) []byte {
	s.t.Helper()
	c, err := net.Dial("tcp", s.tcp)
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	return overStream(s, c, parseQuery(s.t, text))
}

func (id identity) overTLS(s *server, text string) []byte {
	s.t.Helper()
	c, err := tls.Dial("tcp", s.tcp, id.client("dot"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	return overStream(s, c, parseQuery(s.t, text))
}

func (id identity) overHTTP2(s *server, text string) []byte {
	s.t.Helper()
	rt := &http.Transport{TLSClientConfig: id.client(), ForceAttemptHTTP2: true}
	defer rt.CloseIdleConnections()
	return overHTTP(s, rt, "HTTP/2.0", s.tcp, text)
}

func (id identity) overHTTP3(s *server, text string) []byte {
	s.t.Helper()
	rt := &http3.Transport{TLSClientConfig: id.client()}
	defer rt.Close()
	return overHTTP(s, rt, "HTTP/3.0", s.udp, text)
}

func overHTTP(s *server, rt http.RoundTripper, proto, addr, text string) []byte {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+addr+"/dns-query", bytes.NewReader(parseQuery(s.t, text).pack(s.t)))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/dns-message")
	resp, err := rt.RoundTrip(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK || resp.Proto != proto {
		s.t.Fatalf("%s: %s %s", text, resp.Proto, resp.Status)
	}
	want := fmt.Sprintf("max-age=%d", age(unpack(s.t, body)))
	if got := resp.Header.Get("Cache-Control"); got != want {
		s.t.Errorf("%s: %s, want %s", text, got, want)
	}
	return body
}

func age(m *dns.Msg) uint32 {
	least, records := uint32(3600), 0
	for _, section := range [][]dns.RR{m.Answer, m.Ns, m.Extra} {
		for _, rr := range section {
			if rr.Header().Rrtype != dns.TypeOPT {
				least, records = min(least, rr.Header().Ttl), records+1
			}
		}
	}
	if records == 0 || m.Rcode == dns.RcodeRefused {
		return 5
	}
	return least
}

func (id identity) overQUIC(s *server, text string) []byte {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	c, err := quic.DialAddr(ctx, s.udp, id.client("doq"), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.CloseWithError(0, "")
	stream, err := c.OpenStreamSync(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	stream.SetDeadline(time.Now().Add(patience))
	q := parseQuery(s.t, text)
	q.Id = 0 // RFC 9250, section 4.2.1, requires ID 0
	wire := q.pack(s.t)
	if _, err := stream.Write(append([]byte{byte(len(wire) >> 8), byte(len(wire))}, wire...)); err != nil {
		s.t.Fatal(err)
	}
	stream.Close() // closes only our direction, because each stream has one query
	reply, err := io.ReadAll(stream)
	if err != nil {
		s.t.Fatal(err)
	}
	if len(reply) < 2 || len(reply)-2 != int(reply[0])<<8|int(reply[1]) {
		s.t.Fatalf("%s: a reply of %d octets has another length in front: written twice?", text, len(reply))
	}
	return reply[2:]
}

func (id identity) overGRPC(s *server, text string) []byte {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	c, err := grpc.NewClient(s.tcp, grpc.WithTransportCredentials(credentials.NewTLS(id.client())))
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	reply, err := pb.NewDnsServiceClient(c).Query(ctx, &pb.DnsPacket{Msg: parseQuery(s.t, text).pack(s.t)})
	if err != nil {
		s.t.Fatal(err)
	}
	return reply.GetMsg()
}

// TestTransports sends queries over each transport that CoreDNS supports.
func TestTransports(t *testing.T) {
	id := newIdentity(t)
	const secured = `
tls $DIR/cert.pem $DIR/key.pem` + plain
	for _, tc := range []struct {
		name, scheme, chain string
		ask                 func(*server, string) []byte
		sized               bool
	}{
		{"UDP", "", plain, overUDP, true},
		{"TCP", "", plain, overTCP, false},
		{"DoT", "tls://", secured, id.overTLS, false},
		{"DoH", "https://", secured, id.overHTTP2, false},
		{"DoH3", "https3://", secured, id.overHTTP3, true},
		{"DoQ", "quic://", secured, id.overQUIC, true},
		{"gRPC", "grpc://", secured, id.overGRPC, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			with, without := pair(t, tc.scheme, "127.0.0.1", []string{tc.chain}, map[string]string{
				"cert.pem": id.cert, "key.pem": id.key,
			})
			up.take()
			long := "NXDOMAIN rd ra; SOA long.example. 30; EDE 16"
			if !tc.sized {
				long += " Blocked by order " + longReference + " of Court"
			}
			for _, st := range []step{
				blocked,
				{"blocked.example A +noedns", "NXDOMAIN rd ra; SOA blocked.example. 30; no OPT", "1 nxdomain", ""},
				{"nodata.example A +do", "NOERROR rd ra; SOA nodata.example. 30; do" + censored, "1 nodata", ""},
				{"refused.example A", "REFUSED rd ra" + censored, "1 refused", ""},
				{"page.example AAAA", "NOERROR rd ra; page.example. 30 AAAA 2001:db8::99" + forged, "1 redirect", ""},
				{"long.example A +nsid +bufsize=512", long, "1 nxdomain", ""},
			} {
				before := counted(t)
				if got := brief(unpack(t, tc.ask(with, st.ask))); got != st.want {
					t.Errorf("%s\n got %s\nwant %s", st.ask, got, st.want)
				}
				if got := counted(t).since(before); got != st.count {
					t.Errorf("%s: counted %q, want %q", st.ask, got, st.count)
				}
				if got := up.take(); got != st.upstream {
					t.Errorf("%s: the upstream was asked %q, want %q", st.ask, got, st.upstream)
				}
			}
			m := unpack(t, tc.ask(with, "ending.example A"))
			if len(m.Ns) != 1 || m.Ns[0].Header().Ttl > 20 || !strings.Contains(brief(m), "EDE 16") {
				t.Errorf("an order that ends in 20 s: %s", brief(m))
			}
			for _, q := range passing {
				same(t, with, without, q, tc.ask)
			}
		})
	}
}
