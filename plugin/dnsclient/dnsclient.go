// Package dnsclient sends queries to a DNS server over UDP, TCP, TLS or HTTPS.
package dnsclient

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

// An Exchanger sends a query and returns the answer. Several goroutines may use an Exchanger.
type Exchanger interface {
	Exchange(ctx context.Context, m *dns.Msg) (*dns.Msg, error)
}

// A Client is an Exchanger for one DNS server.
type Client struct {
	text    string
	network string // "udp", "tcp", "tcp-tls" or "https"
	addr    string // HOST:PORT, or the URL for https
	tls     *tls.Config
	http    *http.Client
	opt     Options

	mu   sync.Mutex
	idle []*dns.Conn // the open connections of tcp and tcp-tls
	next time.Time   // the time of the next query
}

// Options are the settings of New.
type Options struct {
	TCP      bool        // use TCP in place of UDP
	TLS      *tls.Config // for tls:// and https://; may be nil
	Timeout  time.Duration
	Tries    int           // the largest number of tries, at least 1
	Interval time.Duration // the least time between two tries, or 0
	// NoName refuses a bare host name as the server.
	NoName bool
}

// ports are the default ports.
var ports = map[string]string{"udp": "53", "tcp": "53", "tcp-tls": "853"}

// New parses the address of a server. The address is an IP address, a host name or a URL. The
// scheme of a URL is udp, tcp, tls or https. The port is optional. A leading "@" is ignored, as in
// dig.
func New(text string, opt Options) (*Client, error) {
	s := &Client{text: strings.TrimPrefix(text, "@"), network: "udp", tls: opt.TLS, opt: opt}
	wrong := func() (*Client, error) {
		name := ", dns.example.net"
		if opt.NoName {
			name = ""
		}
		return nil, fmt.Errorf("the server must be like 192.0.2.53, [2001:db8::53]:5353%s, tls://HOST or https://HOST/dns-query, got %q", name, printable.Line(text))
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
	if n, err := net.LookupPort("udp", port); err != nil || n == 0 || name == "" || strings.ContainsAny(name, "/@ ?#") {
		return wrong()
	}
	if _, err := netip.ParseAddr(name); err != nil && opt.NoName && !isURL {
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
func (s *Client) String() string { return printable.Line(s.text) }

// Address returns the address and port of the server. For TLS and HTTPS, it returns the URL.
func (s *Client) Address() string {
	if s.network == "udp" || s.network == "tcp" {
		return printable.Line(s.addr)
	}
	return s.String()
}

// Exchange sends a query and returns the answer. It tries again after an error. It uses TCP after a
// truncated answer. Exchange may change the query.
func (s *Client) Exchange(ctx context.Context, m *dns.Msg) (r *dns.Msg, err error) {
	for range max(s.opt.Tries, 1) {
		r, err = s.try(ctx, m, s.network)
		if err == nil && r.Truncated && s.network == "udp" {
			r, err = s.try(ctx, m, "tcp")
		}
		if err == nil {
			return r, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return nil, explained(err)
}

func (s *Client) try(ctx context.Context, m *dns.Msg, network string) (r *dns.Msg, err error) {
	if err := s.wait(ctx); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.opt.Timeout)
	defer cancel()
	switch network {
	case "https":
		r, err = s.overHTTPS(ctx, m)
	case "udp":
		c := dns.Client{Net: "udp", Timeout: s.opt.Timeout}
		r, _, err = c.ExchangeContext(ctx, m, s.addr)
	default:
		r, err = s.overTCP(ctx, m, network)
	}
	if err != nil {
		return nil, err
	}
	if len(r.Question) != 1 || !strings.EqualFold(r.Question[0].Name, m.Question[0].Name) || r.Question[0].Qtype != m.Question[0].Qtype || !r.Response {
		return nil, errOther
	}
	return r, nil
}

// wait waits until the next query may be sent.
func (s *Client) wait(ctx context.Context) error {
	if s.opt.Interval <= 0 {
		return ctx.Err()
	}
	s.mu.Lock()
	now := time.Now()
	at := s.next
	if at.Before(now) {
		at = now
	}
	s.next = at.Add(s.opt.Interval)
	s.mu.Unlock()
	t := time.NewTimer(at.Sub(now))
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
	return ctx.Err()
}

// ErrTimeout means that the server did not answer in time.
var ErrTimeout = errors.New("no answer in time")

var errOther = errors.New("the answer is for another question")

// The error must not name the addresses of this machine.
func explained(err error) error {
	var late net.Error
	if errors.As(err, &late) && late.Timeout() || errors.Is(err, context.DeadlineExceeded) {
		return ErrTimeout
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	return err
}

// After an error, open another connection. The server may have closed the idle connection.
func (s *Client) overTCP(ctx context.Context, m *dns.Msg, network string) (*dns.Msg, error) {
	c := dns.Client{Net: network, Timeout: s.opt.Timeout, TLSConfig: s.tls}
	s.mu.Lock()
	var conn *dns.Conn
	if n := len(s.idle); n > 0 && network == s.network {
		conn, s.idle = s.idle[n-1], s.idle[:n-1]
	}
	s.mu.Unlock()
	if conn != nil {
		if r, _, err := c.ExchangeWithConnContext(ctx, m, conn); err == nil {
			s.put(conn, network)
			return r, nil
		}
		conn.Close()
	}
	conn, err := c.DialContext(ctx, s.addr)
	if err != nil {
		return nil, err
	}
	r, _, err := c.ExchangeWithConnContext(ctx, m, conn)
	if err != nil {
		conn.Close()
		return nil, err
	}
	s.put(conn, network)
	return r, nil
}

// put keeps a connection for the next query.
func (s *Client) put(conn *dns.Conn, network string) {
	if network != s.network {
		conn.Close()
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle = append(s.idle, conn)
}

// Close closes the idle connections.
func (s *Client) Close() {
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

const dohType = "application/dns-message"

func (s *Client) overHTTPS(ctx context.Context, m *dns.Msg) (*dns.Msg, error) {
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
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, dns.MaxMsgSize+1))
	switch {
	case err != nil:
		return nil, err
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("the answer is %q", printable.Line(resp.Status))
	case resp.Header.Get("Content-Type") != dohType:
		return nil, fmt.Errorf("the answer has the content type %q, and not %s", printable.Line(resp.Header.Get("Content-Type")), dohType)
	}
	r := new(dns.Msg)
	if err := r.Unpack(text); err != nil {
		return nil, errors.New("the answer is no DNS message")
	}
	return r, nil
}
