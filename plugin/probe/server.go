package probe

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/miekg/dns"
)

// A Server sends queries to a DNS server.
type Server struct {
	text    string
	network string // "udp", "tcp", "tcp-tls" or "https"
	addr    string // HOST:PORT, or the URL for https
	tls     *tls.Config
	timeout time.Duration
	http    *http.Client

	mu   sync.Mutex
	idle []*dns.Conn // the open connections of tcp and tcp-tls
}

// ServerOptions are the settings of NewServer.
type ServerOptions struct {
	TCP     bool        // use TCP in place of UDP
	TLS     *tls.Config // for tls:// and https://; may be nil
	Timeout time.Duration
}

// ports are the default ports.
var ports = map[string]string{"udp": "53", "tcp": "53", "tcp-tls": "853"}

// NewServer parses the address of a server. It accepts an address, a host name, or a URL
// with the scheme udp, tcp, tls or https. A port is optional. A "@" in front is ignored,
// as in dig.
func NewServer(text string, opt ServerOptions) (*Server, error) {
	s := &Server{text: strings.TrimPrefix(text, "@"), network: "udp", timeout: opt.Timeout, tls: opt.TLS}
	wrong := func() (*Server, error) {
		return nil, fmt.Errorf("the server must be like 192.0.2.53, [2001:db8::53]:5353, dns.example.net, tls://HOST or https://HOST/dns-query, got %q", printable.Line(text))
	}
	scheme, host, isURL := strings.Cut(s.text, "://")
	if !isURL {
		scheme, host = "udp", s.text
	}
	switch strings.ToLower(scheme) {
	case "udp", "dns":
	case "tcp":
		s.network = "tcp"
	case "tls":
		s.network = "tcp-tls"
	case "https":
		u, err := url.Parse(s.text)
		if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
			return wrong()
		}
		if u.Path == "" {
			u.Path = "/dns-query"
		}
		s.network, s.addr = "https", u.String()
		s.http = &http.Client{Timeout: opt.Timeout, Transport: &http.Transport{TLSClientConfig: opt.TLS, Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true}}
		return s, nil
	default:
		return wrong()
	}
	if opt.TCP && s.network == "udp" {
		s.network = "tcp"
	}
	host = strings.TrimSuffix(host, "/")
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"), ports[s.network]
		if _, err := netip.ParseAddr(name); err != nil && strings.ContainsAny(name, ":[]") {
			return wrong()
		}
	}
	if _, err := net.LookupPort("udp", port); err != nil || name == "" || strings.ContainsAny(name, "/@ ?#") {
		return wrong()
	}
	s.addr = net.JoinHostPort(name, port)
	if s.network == "tcp-tls" {
		own := &tls.Config{}
		if opt.TLS != nil {
			own = opt.TLS.Clone()
		}
		if own.ServerName == "" {
			own.ServerName = name
		}
		s.tls = own
	}
	return s, nil
}

// String returns the address of the server without a "@".
func (s *Server) String() string { return printable.Line(s.text) }

// Exchange sends a query and returns the answer. If no answer comes by UDP in time, Exchange sends
// the query once more. If the answer by UDP is truncated, Exchange sends the query by TCP.
func (s *Server) Exchange(ctx context.Context, m *dns.Msg) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*s.timeout)
	defer cancel()
	switch s.network {
	case "https":
		return s.overHTTPS(ctx, m)
	case "udp":
		r, err := s.overUDP(ctx, m)
		var late net.Error
		if errors.As(err, &late) && late.Timeout() {
			r, err = s.overUDP(ctx, m)
		}
		if err == nil && r.Truncated {
			return s.overTCP(ctx, m, "tcp")
		}
		return r, explained(err)
	}
	return s.overTCP(ctx, m, s.network)
}

var errOther = errors.New("the answer is for another question")

func check(m, r *dns.Msg) (*dns.Msg, error) {
	if len(r.Question) != 1 || !strings.EqualFold(r.Question[0].Name, m.Question[0].Name) || r.Question[0].Qtype != m.Question[0].Qtype || !r.Response {
		return nil, errOther
	}
	return r, nil
}

// explained returns a network error without the addresses of this machine.
func explained(err error) error {
	var late net.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &late) && late.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return errors.New("no answer in time")
	case errors.Is(err, context.Canceled):
		return errors.New("the probe was stopped")
	}
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	return err
}

func (s *Server) overUDP(ctx context.Context, m *dns.Msg) (*dns.Msg, error) {
	c := dns.Client{Net: "udp", Timeout: s.timeout}
	r, _, err := c.ExchangeContext(ctx, m, s.addr)
	if err != nil {
		return nil, err
	}
	return check(m, r)
}

// overTCP sends a query over TCP or TLS. It uses an idle connection if possible. The server may
// have closed the idle connection, so after an error overTCP opens another connection.
func (s *Server) overTCP(ctx context.Context, m *dns.Msg, network string) (*dns.Msg, error) {
	c := dns.Client{Net: network, Timeout: s.timeout, TLSConfig: s.tls}
	s.mu.Lock()
	var conn *dns.Conn
	if n := len(s.idle); n > 0 && network == s.network {
		conn, s.idle = s.idle[n-1], s.idle[:n-1]
	}
	s.mu.Unlock()
	if conn != nil {
		if r, _, err := c.ExchangeWithConnContext(ctx, m, conn); err == nil {
			s.put(conn, network)
			return check(m, r)
		}
		conn.Close()
	}
	conn, err := c.DialContext(ctx, s.addr)
	if err != nil {
		return nil, explained(err)
	}
	r, _, err := c.ExchangeWithConnContext(ctx, m, conn)
	if err != nil {
		conn.Close()
		return nil, explained(err)
	}
	s.put(conn, network)
	return check(m, r)
}

// put keeps a connection for the next query.
func (s *Server) put(conn *dns.Conn, network string) {
	if network != s.network {
		conn.Close()
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle = append(s.idle, conn)
}

// Close closes the idle connections.
func (s *Server) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.idle {
		c.Close()
	}
	s.idle = nil
	if s.http != nil {
		s.http.CloseIdleConnections()
	}
}

// dohType is the content type of DNS over HTTPS (RFC 8484).
const dohType = "application/dns-message"

func (s *Server) overHTTPS(ctx context.Context, m *dns.Msg) (*dns.Msg, error) {
	q := m.Copy()
	q.Id = 0 // RFC 8484, section 4.1
	body, err := q.Pack()
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.addr, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", dohType)
	req.Header.Set("Accept", dohType)
	resp, err := s.http.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		return nil, explained(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, dns.MaxMsgSize+1))
	switch {
	case err != nil:
		return nil, explained(err)
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("the answer is %q", printable.Line(resp.Status))
	case resp.Header.Get("Content-Type") != dohType:
		return nil, fmt.Errorf("the answer has the content type %q, and not %s", printable.Line(resp.Header.Get("Content-Type")), dohType)
	}
	r := new(dns.Msg)
	if err := r.Unpack(text); err != nil {
		return nil, errors.New("the answer is no DNS message")
	}
	return check(m, r)
}
