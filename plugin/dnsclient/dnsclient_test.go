package dnsclient

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func TestNew(t *testing.T) {
	for _, tc := range []struct{ text, network, address string }{
		{"192.0.2.1", "udp", "192.0.2.1:53"},
		{"@192.0.2.1", "udp", "192.0.2.1:53"},
		{"192.0.2.1:5353", "udp", "192.0.2.1:5353"},
		{"::1", "udp", "[::1]:53"},
		{"[::1]", "udp", "[::1]:53"},
		{"[::1]:5353", "udp", "[::1]:5353"},
		{"udp://192.0.2.1", "udp", "192.0.2.1:53"},
		{"tcp://192.0.2.1", "tcp", "192.0.2.1:53"},
		{"tls://dns.example", "tcp-tls", "tls://dns.example"},
		{"tls://192.0.2.1:8853", "tcp-tls", "tls://192.0.2.1:8853"},
		{"https://dns.example", "https", "https://dns.example"},
	} {
		c, err := New(tc.text, Options{NoName: true})
		if err != nil || c.network != tc.network || c.Address() != tc.address {
			t.Errorf("%s: %+v, %v", tc.text, c, err)
		}
	}
	if c, err := New("dns.example", Options{}); err != nil || c.Address() != "dns.example:53" {
		t.Errorf("a host name: %v", err)
	}
	for _, text := range []string{"", "dns.example", "dns.example:53", "192.0.2.1:0", "192.0.2.1:x", "192.0.2.1/24", "ftp://192.0.2.1", "https://", "https://u@dns.example/", "a:b:c"} {
		if c, err := New(text, Options{NoName: true}); err == nil {
			t.Errorf("%q is accepted: %s", text, c.Address())
		}
	}
}

func TestExchange(t *testing.T) {
	for _, tc := range []struct {
		name     string
		tries    int
		udp, tcp int32 // the number of queries
		err      error
		answer   func(n int32, m *dns.Msg) // changes answer number n by UDP, from 1
	}{
		{name: "an answer", tries: 3, udp: 1, answer: func(int32, *dns.Msg) {}},
		{name: "a truncated answer", tries: 3, udp: 1, tcp: 1, answer: func(_ int32, m *dns.Msg) { m.Truncated = true }},
		{name: "another question first", tries: 3, udp: 2, answer: func(n int32, m *dns.Msg) {
			if n == 1 {
				m.Question[0].Qtype = dns.TypeTXT
			}
		}},
		{name: "another question always", tries: 3, udp: 3, err: errOther, answer: func(_ int32, m *dns.Msg) { m.Question[0].Name = "b.example." }},
		{name: "no answer", tries: 2, udp: 2, err: ErrTimeout, answer: func(_ int32, m *dns.Msg) { m.Id++ }},
	} {
		var udp, tcp atomic.Int32
		packets, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listener, err := net.Listen("tcp", packets.LocalAddr().String())
		if err != nil {
			t.Fatal(err)
		}
		serve := func(s *dns.Server, count *atomic.Int32, change func(int32, *dns.Msg)) {
			s.Handler = dns.HandlerFunc(func(w dns.ResponseWriter, m *dns.Msg) {
				r := new(dns.Msg).SetReply(m)
				change(count.Add(1), r)
				w.WriteMsg(r)
			})
			go s.ActivateAndServe()
			t.Cleanup(func() { s.Shutdown() })
		}
		serve(&dns.Server{PacketConn: packets}, &udp, tc.answer)
		serve(&dns.Server{Listener: listener}, &tcp, func(int32, *dns.Msg) {})
		c, err := New(packets.LocalAddr().String(), Options{Timeout: 100 * time.Millisecond, Tries: tc.tries})
		if err != nil {
			t.Fatal(err)
		}
		m, err := c.Exchange(context.Background(), new(dns.Msg).SetQuestion("a.example.", dns.TypeA))
		if !errors.Is(err, tc.err) || (err == nil) != (m != nil) || udp.Load() != tc.udp || tcp.Load() != tc.tcp {
			t.Errorf("%s: %v, %d queries by UDP and %d by TCP", tc.name, err, udp.Load(), tcp.Load())
		}
		c.Close()
	}
}
